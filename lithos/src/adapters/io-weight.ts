// The weight of a container against others when a disk is busy. Written here because the runtimes know only some of the
// names that kernels have for it: with the BFQ scheduler crun 1.8 looks in vain.
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DesiredInstance } from '../core/desired/types.ts';
import type { Attachment } from './attachment.ts';
import type { Cgroups } from './cgroups.ts';

/** From v1's 10…1000 to the 1…10000 of v2, as every runtime does it. */
function widened(weight: number): number {
  return 1 + Math.floor(((weight - 10) * 9999) / 990);
}

/** In the order in which they are looked for; both of v2 take a default and single devices. */
const FILES: readonly { readonly name: string; readonly text: (weight: number) => string }[] = [
  { name: 'blkio.weight', text: String },
  { name: 'blkio.bfq.weight', text: String },
  { name: 'io.bfq.weight', text: weight => `default ${weight}` },
  { name: 'io.weight', text: weight => `default ${widened(weight)}` },
];

/** Throws with a sentence where the kernel has no weights, which depends on its io schedulers. */
export function writeIoWeight(directory: string, weight: number): void {
  const file = FILES.find(({ name }) => existsSync(join(directory, name)));
  if (file === undefined)
    throw new Error(`io-weight: this kernel has none of ${FILES.map(({ name }) => name).join(', ')}`);
  writeFileSync(join(directory, file.name), file.text(weight));
}

export class IoWeight implements Attachment {
  readonly concern = 'io-weight';
  private readonly cgroups: Cgroups;

  constructor(cgroups: Cgroups) {
    this.cgroups = cgroups;
  }

  async created({ name, ioWeight }: DesiredInstance): Promise<void> {
    if (ioWeight === null || !this.cgroups.limits.controllers.has('blkio')) return;
    const directory = this.cgroups.directoryOf(name, 'blkio');
    if (directory !== undefined) writeIoWeight(directory, ioWeight);
  }
}
