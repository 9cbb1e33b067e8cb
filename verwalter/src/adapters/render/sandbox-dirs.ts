import { join } from 'node:path';
import type { Disk } from '@suite/shared/ports/index.ts';
import { type Diagnostic, decode, s } from '@suite/shared/schema/index.ts';
import { parseYaml } from '@suite/shared/yaml/index.ts';
import { SANDBOX_FILE_BYTES_MAX } from '../../config/defaults.ts';
import { walk } from './walk.ts';

const schema = s.struct({ 'log-dirs': s.withDefault(s.map(s.path('absolute')), {}) });

export type SandboxDirs =
  | { readonly ok: true; readonly logDirs: ReadonlyMap<string, string> }
  | { readonly ok: false; readonly problems: readonly Diagnostic[] };

/** The public log directories of `<configDir>/sandbox/**.yaml`; a later file wins per name. No directory = none. */
export async function readSandboxDirs(disk: Disk, configDir: string): Promise<SandboxDirs> {
  const directory = join(configDir, 'sandbox');
  const logDirs = new Map<string, string>();
  const problems: Diagnostic[] = [];
  for (const path of (await walk(disk, directory, { skipHidden: true })) ?? []) {
    if (!/\.ya?ml$/.test(path)) continue;
    const file = join(directory, path);
    const tree = parseYaml((await disk.readText(file, SANDBOX_FILE_BYTES_MAX)) ?? '', { file });
    const read = tree.ok ? decode(schema, tree.value) : tree;
    if (!read.ok) problems.push(...read.errors);
    else for (const [name, target] of Object.entries(read.value.logDirs)) logDirs.set(name, target);
  }
  return problems.length > 0 ? { ok: false, problems } : { ok: true, logDirs };
}
