// A shell in the tree of a build that has failed, as the failed step would have found it after what it did.
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BuildState } from '../../core/steps/state.ts';
import type { Layout } from '../image/layout.ts';
import { takeLock } from './lock.ts';
import { type ShellRequest, shellInTree } from './shell.ts';

const NOTE = 'failed.json';

type Environment = BuildState['env'];

/** Beside the half-built tree: what its shell must know. */
export function noteFailed(directory: string, env: Environment): void {
  writeFileSync(join(directory, NOTE), JSON.stringify({ env }));
}

function environmentOf(directory: string): Environment | undefined {
  try {
    return (JSON.parse(readFileSync(join(directory, NOTE), 'utf8')) as { env: Environment }).env;
  } catch {
    return undefined;
  }
}

/** With `versioned-build-dir` there may be several failed builds: the latest. */
function failedSlot(layout: Layout, name: string): string {
  const prefix = `.tmp.${name}.`;
  const names = existsSync(layout.roots) ? readdirSync(layout.roots) : [];
  const versions = names.filter(one => one.startsWith(prefix) && /\.[0-9a-f]{8}$/.test(one));
  const slots = [name, ...versions.map(one => one.slice('.tmp.'.length))];
  const failedMs = (slot: string) =>
    statSync(join(layout.temporary(slot), NOTE), { throwIfNoEntry: false })?.mtimeMs ?? 0;
  return slots.reduce((latest, slot) => (failedMs(slot) > failedMs(latest) ? slot : latest));
}

/** The shell's exit code, or a sentence why there is none. What is written in it is gone when it ends. */
export async function shellInFailed(request: ShellRequest): Promise<number | string> {
  const { layout, name } = request;
  const slot = failedSlot(layout, name);
  const directory = layout.temporary(slot);
  const env = environmentOf(directory);
  if (env === undefined)
    return `There is no failed build of container "${name}" (an interrupted one leaves nothing)`;
  const lock = await takeLock(layout.lock(slot), 0, new AbortController().signal);
  if (lock === 'busy') return `Container "${name}" is being built by another process`;
  if (lock instanceof Error) return lock.message;
  try {
    const layers = [join(directory, 'root')];
    const ended = await shellInTree(request, { layers, env, work: join(directory, 'cache') });
    return typeof ended === 'string' ? `${ended}; its files are in ${layers[0]}` : ended;
  } finally {
    await lock.release();
  }
}
