// The program of a step, looked for before anything is started: what the engine says of a missing one helps nobody.
import { lstatSync } from 'node:fs';
import { join } from 'node:path';
import type { BuildAction } from '../../core/steps/state.ts';
import type { BuildContext } from './context.ts';
import { inRoot } from './in-root.ts';

type RunAction = Extract<BuildAction, { kind: 'run' }>;

function isThere(root: string, path: string): boolean {
  try {
    return lstatSync(inRoot(root, path), { throwIfNoEntry: false })?.isFile() === true;
  } catch {
    // Links in a circle.
    return false;
  }
}

/** The sentence for the user, or undefined when it can be started as far as one can see from outside. */
export function missingProgram(context: BuildContext, { argv, env, caches }: RunAction): string | undefined {
  const [program = ''] = argv;
  const search = env.PATH ?? '';
  const candidates = program.includes('/')
    ? [program]
    : search.split(':').map(directory => join(directory, program));
  // What is mounted for the step is not in the root.
  const mounted = ['/work', '/run', '/proc', '/dev', '/sys', ...Object.keys(caches)];
  const isElsewhere = (path: string) => mounted.some(place => path.startsWith(`${place}/`));
  if (!candidates.every(path => path.startsWith('/') && !isElsewhere(path))) return undefined;
  if (candidates.some(path => isThere(context.root, path))) return undefined;
  return program.includes('/')
    ? `command ${JSON.stringify(program)} is not in the image`
    : `command ${JSON.stringify(program)} not found in one of ${JSON.stringify(search)}`;
}
