// The whole host checked with one process config that is not in place yet.
import { join } from 'node:path';
import { realDisk } from '@suite/shared/ports/real.ts';
import type { Diagnostic } from '@suite/shared/schema/index.ts';
import { nearest } from '@suite/shared/schema/nearest.ts';
import { checkSurroundings } from '../adapters/check-surroundings.ts';
import { loadHost } from '../adapters/load-host.ts';
import type { LoadedSandbox } from '../adapters/load-sandbox.ts';
import type { HostPaths } from '../adapters/paths.ts';
import { problem, type Texts } from '../adapters/read-yaml.ts';

export interface CheckInput {
  readonly paths: HostPaths;
  readonly sandbox: string;
  /** Name of the new file in messages. */
  readonly shown: string;
  readonly text: string;
  readonly texts: Texts;
}

export interface CheckedHost {
  readonly diagnostics: readonly Diagnostic[];
  /** Undefined: there is no such sandbox. */
  readonly loaded: LoadedSandbox | undefined;
}

export function hasErrors(diagnostics: readonly Diagnostic[]): boolean {
  return diagnostics.some(({ severity }) => severity === 'error');
}

function errorsBeside(sandboxes: readonly LoadedSandbox[], sandbox: string): Diagnostic[] {
  const others = sandboxes.filter(({ name }) => name !== sandbox);
  return others.flatMap(({ diagnostics }) => diagnostics.filter(({ severity }) => severity === 'error'));
}

/**
 * What the new file does to other sandboxes (two that want one address) counts against it; errors they have anyway do
 * not: one broken sandbox must not keep all others from being changed.
 */
async function others(
  { paths, sandbox }: CheckInput,
  sandboxes: readonly LoadedSandbox[],
): Promise<Diagnostic[]> {
  const errors = errorsBeside(sandboxes, sandbox);
  if (errors.length === 0) return [];
  const now = await loadHost(realDisk, paths, new Map());
  const known = new Set(errorsBeside(now.sandboxes, sandbox).map(error => JSON.stringify(error)));
  const caused = errors.filter(error => !known.has(JSON.stringify(error)));
  if (caused.length > 0) return caused;
  const message = `${errors.length === 1 ? '1 error' : `${errors.length} errors`} in other sandboxes: see lithos_check`;
  return [problem('others', paths.sandboxesDir, message, 'warning')];
}

function noSandbox(sandbox: string, file: string, known: readonly LoadedSandbox[]): Diagnostic {
  const guess = nearest(
    sandbox,
    known.map(({ name }) => name),
  );
  const hint = guess === undefined ? {} : { hint: `did you mean ${guess}?` };
  return {
    ...problem('no-sandbox', file, `there is no sandbox ${sandbox}: this file does not exist`),
    ...hint,
  };
}

/** The text is not read again: a pipe cannot be, and a file may change in between. */
export async function checkWith(input: CheckInput): Promise<CheckedHost> {
  const { paths, sandbox, shown, text, texts } = input;
  const disk: typeof realDisk = {
    ...realDisk,
    readText: async (path, maxBytes) => (path === shown ? text : await realDisk.readText(path, maxBytes)),
  };
  const { errors, sandboxes } = await loadHost(disk, paths, texts, { sandbox, file: shown });
  const loaded = sandboxes.find(({ name }) => name === sandbox);
  const file = join(paths.sandboxesDir, `${sandbox}.yaml`);
  const missing = noSandbox(sandbox, file, sandboxes);
  const own = loaded?.diagnostics ?? (errors.length > 0 ? [] : [missing]);
  // What a start would find out: with a secret nobody can decrypt, the new version would replace one that works.
  const checked = loaded?.checked === undefined ? [] : [loaded.checked];
  const here = await checkSurroundings(realDisk, paths.masterFile, checked);
  return { loaded, diagnostics: [...errors, ...own, ...here, ...(await others(input, sandboxes))] };
}
