// `_clean`: removes what is not needed any more, or says what it would remove.
import { existsSync } from 'node:fs';
import {
  allPlaces,
  CLEAN_ACTIONS,
  type CleanAction,
  type CleanRequest,
  isInUse,
  removePath,
  toRemove,
} from '../../adapters/storage/clean.ts';
import { treeSize } from '../../adapters/storage/tree-size.ts';
import { has, valuesOf } from '../../core/options/parse.ts';
import { type CommandLineSpec, flag, valued } from '../../core/options/spec.ts';
import { sizeText } from '../../core/size-text.ts';
import { durationMs } from '../../core/storage/duration.ts';
import { type Session, say, warn } from '../session.ts';
import { entry, type ParsedLine } from './registry.ts';

const SPEC: CommandLineSpec = {
  name: 'vagga _clean',
  description: 'Remove images, volumes and caches that are not needed any more',
  options: [
    flag('tmp', ['--tmp', '--tmp-folders'], 'Unfinished builds'),
    flag('old', ['--old', '--old-containers'], 'Versions of containers that no other is built later than'),
    flag(
      'unused',
      ['--unused'],
      'Versions that the config does not ask for; with --at-least: not used for that long',
    ),
    flag('transient', ['--transient'], 'Writable copies of commands that have ended'),
    flag('everything', ['--everything'], 'All that vagga has made for this project'),
    flag('unused-volumes', ['--unused-volumes'], 'Persistent volumes that the config does not mention'),
    flag('volumes', ['--volumes'], 'All persistent volumes'),
    flag('layers', ['--layers'], 'Results of steps; with --at-least: not used for that long'),
    flag('global', ['--global'], 'In all projects of the storage-dir'),
    flag('dry-run', ['-n', '--dry-run'], 'Only say what would be removed'),
    valued('at-least', ['--at-least'], 'DURATION', 'With --unused, --layers: how long, like "10days"'),
  ],
  positionals: [],
};

interface Wish {
  readonly actions: readonly CleanAction[];
  readonly request: CleanRequest;
  readonly isDry: boolean;
}

/** Actions in the order given. */
function wishOf(session: Session, { given }: ParsedLine): Wish | string {
  const actions = given.flatMap(({ key }) => CLEAN_ACTIONS.find(action => action === key) ?? []);
  if (actions.length === 0) return `give one of --${CLEAN_ACTIONS.join(', --')}`;
  const atLeast = valuesOf(given, 'at-least').at(-1);
  const atLeastMs = atLeast === undefined ? undefined : durationMs(atLeast);
  if (atLeast !== undefined && atLeastMs === undefined)
    return `${JSON.stringify(atLeast)} is not a duration like "10days" or "1h 30m"`;
  const isGlobal = has(given, 'global');
  const needsConfig = actions.find(
    action => action === 'unused-volumes' || (action === 'unused' && atLeastMs === undefined),
  );
  if (isGlobal && needsConfig !== undefined)
    return `--${needsConfig} --global would need the config of every project${needsConfig === 'unused' ? ': add --at-least' : ''}`;
  const { layout, cache } = session;
  const age = atLeastMs === undefined ? {} : { atLeastMs };
  return {
    actions: [...new Set(actions)],
    request: { layout, project: cache.project, isGlobal, ...age },
    isDry: has(given, 'dry-run'),
  };
}

function pathsOf(action: CleanAction, request: CleanRequest): string[] {
  const { layout, isGlobal } = request;
  const once = action === 'everything' || action === 'layers' || !isGlobal;
  const places = once ? [{ store: layout.store, base: layout.base }] : allPlaces(layout);
  return places.flatMap(place => toRemove(action, request, place)).filter(path => !isInUse(path));
}

function dryRun({ actions, request }: Wish): number {
  const paths = [...new Set(actions.flatMap(action => pathsOf(action, request)))];
  for (const path of paths) process.stdout.write(`Would remove ${JSON.stringify(path)}\n`);
  const { ownBytes } = treeSize(paths);
  return say(0, `${paths.length} would go and free ${sizeText(ownBytes)}`);
}

function remove({ actions, request }: Wish): number {
  for (const action of actions) {
    for (const path of pathsOf(action, request)) {
      try {
        removePath(request.layout, path);
      } catch (error) {
        return say(3, `Cannot remove ${JSON.stringify(path)}: ${(error as Error).message}`);
      }
    }
  }
  return 0;
}

function nothingThere(): number {
  warn('No vagga directory exists');
  return 0;
}

export const clean = entry(
  SPEC,
  (session, line) => {
    const { layout } = session;
    const wish = wishOf(session, line);
    if (typeof wish === 'string') return say(1, `vagga _clean: ${wish}`);
    if (wish.request.isGlobal && layout.storageDir === undefined)
      return say(2, 'Cannot use --global without the setting storage-dir');
    if (!wish.request.isGlobal && layout.storageDir !== undefined && !existsSync(layout.store))
      return nothingThere();
    try {
      return wish.isDry ? dryRun(wish) : remove(wish);
    } catch (error) {
      return say(3, (error as Error).message);
    }
  },
  1,
);
