// All sandboxes of a host, as its files say now.
import type { Disk } from '@suite/shared/ports/index.ts';
import type { Diagnostic } from '@suite/shared/schema/index.ts';
import { LIMITS } from '../config/defaults.ts';
import { checkHostWide } from '../core/desired/checks/host.ts';
import { inOrder, isError, type LoadedSandbox, loadSandbox } from './load-sandbox.ts';
import type { HostPaths } from './paths.ts';
import { problem, type Texts } from './read-yaml.ts';

export interface LoadedHost {
  readonly sandboxes: readonly LoadedSandbox[];
  /** Errors that belong to no sandbox; with one of them nothing may be retired. */
  readonly errors: readonly Diagnostic[];
}

const SUFFIX = '.yaml';

/** `NAME.yaml`, but neither hidden files nor what editors leave behind. */
function sandboxName(file: string): string | undefined {
  const isOurs = file.endsWith(SUFFIX) && !/^[.#]/.test(file) && !/(~|\.bak|#)$/.test(file);
  return isOurs ? file.slice(0, -SUFFIX.length) : undefined;
}

/** Sandboxes by their files. Rejects when the directory cannot be read. */
export async function sandboxNames(disk: Disk, { sandboxesDir }: HostPaths): Promise<string[]> {
  const listed = await disk.list(sandboxesDir);
  if (listed === undefined) throw new Error(`sandboxes-dir ${sandboxesDir} does not exist`);
  return listed.flatMap(file => sandboxName(file) ?? []);
}

/** `alternate.file` replaces the process file of sandbox `alternate.sandbox` for this check. */
export async function loadHost(
  disk: Disk,
  paths: HostPaths,
  texts: Texts,
  alternate?: { readonly sandbox: string; readonly file: string },
): Promise<LoadedHost> {
  const listed = await disk.list(paths.sandboxesDir).catch((error: Error) => error);
  if (!Array.isArray(listed)) {
    const reason = listed === undefined ? 'does not exist' : listed.message;
    return {
      sandboxes: [],
      errors: [
        problem('sandboxes-dir', paths.sandboxesDir, `sandboxes-dir ${paths.sandboxesDir}: ${reason}`),
      ],
    };
  }
  const names = listed.flatMap(file => sandboxName(file) ?? []);
  if (names.length > LIMITS.sandboxesMax) {
    return {
      sandboxes: [],
      errors: [problem('too-many', paths.sandboxesDir, `more than ${LIMITS.sandboxesMax} sandboxes`)],
    };
  }
  const sandboxes: LoadedSandbox[] = [];
  for (const name of names) {
    const file = alternate?.sandbox === name ? alternate.file : undefined;
    sandboxes.push(await loadSandbox(disk, paths, name, texts, file));
  }
  return { sandboxes: checkTogether(sandboxes), errors: [] };
}

/** What is wrong between two sandboxes is said of the later one. */
function checkTogether(sandboxes: readonly LoadedSandbox[]): LoadedSandbox[] {
  const found = checkHostWide(sandboxes.flatMap(({ checked }) => checked ?? []));
  return sandboxes.map(loaded => {
    const more = found.filter(({ sandbox }) => sandbox === loaded.name).map(item => item.diagnostic);
    if (more.length === 0) return loaded;
    const diagnostics = inOrder([...loaded.diagnostics, ...more]);
    return { ...loaded, diagnostics, ok: !diagnostics.some(isError) };
  });
}
