// Roll-outs on disk: a supervisor killed in the middle leaves the next one what it needs to go on, or to go back.
import { join } from 'node:path';
import type { Disk } from '@suite/shared/ports/index.ts';
import { LIMITS } from '../config/defaults.ts';
import type { Rollout } from '../core/rollout/types.ts';
import { VERSION } from './last-good.ts';

/** Environments may hold what only root should read. */
const FILE_MODE = 0o600;

function isRollout(value: Partial<Rollout> | undefined): value is Rollout {
  return (
    typeof value?.sandbox === 'string' &&
    typeof value.process === 'string' &&
    Array.isArray(value.previous) &&
    Array.isArray(value.next)
  );
}

export class RolloutFiles {
  private readonly disk: Disk;
  private readonly directory: string;

  constructor(disk: Disk, directory: string) {
    this.disk = disk;
    this.directory = directory;
  }

  /** Damaged ones, and those with resolved configurations of another version, are as if they had never been. */
  async load(): Promise<Rollout[]> {
    const files = (await this.disk.list(this.directory).catch(() => [])) ?? [];
    const read = await Promise.all(files.map(file => this.read(join(this.directory, file))));
    return read.flatMap(rollout => rollout ?? []);
  }

  async save(rollout: Rollout): Promise<void> {
    // Times of this program's clock mean nothing to the next one.
    const text = JSON.stringify({ version: VERSION, rollout: { ...rollout, asked: {} } });
    await this.disk.writeAtomic(this.file(rollout), text, { mode: FILE_MODE });
  }

  async remove(of: Pick<Rollout, 'sandbox' | 'process'>): Promise<void> {
    await this.disk.remove(this.file(of));
  }

  private async read(path: string): Promise<Rollout | undefined> {
    try {
      const text = await this.disk.readText(path, LIMITS.lastGoodBytes);
      const saved = JSON.parse(text ?? 'null') as { version: number; rollout?: Partial<Rollout> } | null;
      return saved?.version === VERSION && isRollout(saved.rollout) ? saved.rollout : undefined;
    } catch {
      return undefined;
    }
  }

  private file({ sandbox, process }: Pick<Rollout, 'sandbox' | 'process'>): string {
    return join(this.directory, `${sandbox}.${process}.json`);
  }
}
