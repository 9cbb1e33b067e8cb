// The last good configuration of each sandbox, kept beside the sockets and pids in the runtime directory: a supervisor
// that is started again while a file is broken goes on with what was in force.
import { join } from 'node:path';
import type { Disk } from '@suite/shared/ports/index.ts';
import { LIMITS } from '../config/defaults.ts';
import type { DesiredSandbox } from '../core/desired/types.ts';

/** Rises whenever a resolved configuration means something else than before: an older file is then not believed. */
export const VERSION = 3;
const FILE_MODE = 0o600;

export class LastGood {
  private readonly disk: Disk;
  private readonly directory: string;
  private readonly written = new Map<string, string>();

  constructor(disk: Disk, directory: string) {
    this.disk = disk;
    this.directory = directory;
  }

  async load(sandbox: string): Promise<DesiredSandbox | undefined> {
    try {
      const text = await this.disk.readText(this.file(sandbox), LIMITS.lastGoodBytes);
      const saved = JSON.parse(text ?? 'null') as { version: number; sandbox: DesiredSandbox } | null;
      return saved?.version === VERSION ? saved.sandbox : undefined;
    } catch {
      return undefined;
    }
  }

  async save(sandbox: DesiredSandbox): Promise<void> {
    const text = JSON.stringify({ version: VERSION, sandbox });
    if (this.written.get(sandbox.name) === text) return;
    await this.disk.writeAtomic(this.file(sandbox.name), text, { mode: FILE_MODE });
    this.written.set(sandbox.name, text);
  }

  /** Forgets every sandbox that does not exist any more. */
  async keepOnly(sandboxes: ReadonlySet<string>): Promise<void> {
    for (const file of (await this.disk.list(this.directory)) ?? []) {
      const name = file.replace(/\.json$/, '');
      if (sandboxes.has(name)) continue;
      this.written.delete(name);
      await this.disk.remove(join(this.directory, file));
    }
  }

  private file(sandbox: string): string {
    return join(this.directory, `${sandbox}.json`);
  }
}
