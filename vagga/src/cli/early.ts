// An ordinary user's command that needs the full program is run inside the user namespace anyway: when the start-up cache
// knows the ids, it goes there at once instead of loading the full program twice.
import { statSync } from 'node:fs';
import { basename } from 'node:path';
import { isInside } from '../adapters/namespace/current.ts';
import { cannotEnter, enterNamespace } from '../adapters/namespace/enter.ts';
import { adoptIds } from '../adapters/namespace/quick-ids.ts';
import { findGateway } from '../adapters/network/gateway.ts';
import { readCache } from '../adapters/project/cache.ts';
import { findProject } from '../adapters/project/find.ts';
import { resolveCommand } from '../core/plan/commands.ts';
import { isOwnName } from '../core/plan/symlinks.ts';

/** Built-in commands that are used often and never answer outside. */
const BUILTINS = ['_build', '_run', '_watch'];

/** Returns when the full program must look at it first. */
export function enterEarly([word = '']: readonly string[]): void {
  if (process.getuid?.() === 0 || isInside() || !isOwnName(basename(process.argv[1] ?? ''))) return;
  const found = findProject(process.cwd());
  if (found === undefined || statSync(found.root).uid !== process.getuid?.()) return;
  const cache = readCache(found);
  if (cache === undefined || adoptIds(cache.ids) === undefined) return;
  const isCommand = resolveCommand(cache.project.commands, word) !== undefined;
  // With a network of tests there is another namespace to go to.
  if (findGateway() !== undefined) return;
  const goes = isCommand || BUILTINS.includes(word);
  if (goes && cannotEnter(found.root, cache.ids) === undefined) enterNamespace(cache.ids);
}
