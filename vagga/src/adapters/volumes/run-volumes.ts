// The volumes of one start of a container that cannot be had on the short path. What is in memory goes when it ends.
import { rmdirSync } from 'node:fs';
import { umount } from '@suite/shared/linux/mount.ts';
import type { Container } from '../../config/model.ts';
import type { PlannedPersistent, PlannedSnapshot, PlannedTmpfs } from '../../core/volumes/mounts.ts';
import type { Layout } from '../image/layout.ts';
import { ownFiles } from '../layers/own-files.ts';
import { filledTmpfs, snapshotMemory } from './memory.ts';
import { createPersistent } from './persistent.ts';
import type { FullVolumes, MountPlace } from './place.ts';
import { vaggaBin } from './vagga-bin.ts';

export class RunVolumes implements FullVolumes {
  readonly #layout: Layout;
  readonly #filling: ReadonlyMap<string, string>;
  readonly #memory: string[] = [];

  /** `filling`: directories of the volumes that are filled now, by name. */
  constructor(layout: Layout, filling: ReadonlyMap<string, string>) {
    this.#layout = layout;
    this.#filling = filling;
  }

  #kept(path: string): string {
    this.#memory.push(path);
    return path;
  }

  filledTmpfs(mount: PlannedTmpfs): string {
    return this.#kept(filledTmpfs(this.#layout, mount));
  }

  snapshot(mount: PlannedSnapshot, place: MountPlace): string {
    return this.#kept(snapshotMemory(mount, place));
  }

  ownFiles(path: string): void {
    ownFiles(path);
  }

  vaggaBin(): string {
    return vaggaBin(this.#layout);
  }

  createPersistent(mount: PlannedPersistent, container: Container): string {
    return createPersistent(this.#layout, mount, container);
  }

  filling(name: string): string | undefined {
    return this.#filling.get(name);
  }

  release(): void {
    for (const path of this.#memory.splice(0)) {
      umount(path, true);
      rmdirSync(path);
    }
  }
}
