// The engine that works outside of a capsule works inside too; a trial there would ask for cgroups that nobody gives it.
import type { CachedRuntime } from '../project/cache.ts';
import { runtimeKey } from './engine.ts';

export const ENGINE_VARIABLE = '_VAGGA_ENGINE';

/** For the environment of a capsule, which is itself started behind the prefix. */
export function engineNote({ kind, program, unlimited, init }: CachedRuntime): string {
  return JSON.stringify({ kind, program, unlimited, ...(init !== undefined && { init }) });
}

/** Undefined outside of capsules. */
export function toldEngine(): CachedRuntime | undefined {
  const text = process.env[ENGINE_VARIABLE];
  if (text === undefined) return undefined;
  const note = JSON.parse(text) as Omit<CachedRuntime, 'key' | 'prefix'>;
  return { ...note, key: runtimeKey(note.program), prefix: [] };
}
