// Goes on as root of a new user namespace: the same process, the same terminal and signals, other ids.
//
//   we ──exec──▶ unshare(1) ──exec──▶ sh: says "made", waits ─────────────exec──▶ vagga again, as 0
//   └─ helper (outside, where newuidmap works) waits for "made", writes the maps, says "mapped" ─┘
import { spawnSync } from 'node:child_process';
import { accessSync, closeSync, constants } from 'node:fs';
import { join } from 'node:path';
import { execInPlace } from '@suite/shared/linux/exec.ts';
import { makePipe } from '@suite/shared/linux/pipes.ts';
import { findProgram } from '@suite/shared/linux/programs.ts';
import { type IdMap, mapText } from '../../core/ids/maps.ts';
import { type Maps, type SessionIds, sessionMaps } from '../../core/ids/session.ts';
import type { CachedIds } from '../project/cache.ts';
import { currentIds, IDS_VARIABLE } from './current.ts';
import { idsForCache } from './quick-ids.ts';

/** Mounts that we and our programs make need a mount namespace that is ours; what the host mounts later shows in it. */
const NAMESPACES = ['--user', '--mount', '--propagation', 'slave'];

/** In the background at once, so that it is nobody's zombie; there a shell would take /dev/null for stdin. */
const HELPER = 'exec 5<&0; (read -r _ <&5 && eval "$1" && echo mapped) &';

/** Ends when the helper could not do its work, and has said why. By path, because a shell knows only descriptors of one digit. */
const WAIT =
  'echo made >/proc/self/fd/$1; read -r _ </proc/self/fd/$2 || { echo vagga _doctor says what helps. >&2; exit 121; }; shift 2; exec "$@"';

const unshareProgram = () => findProgram('unshare') ?? '/usr/bin/unshare';
const words = (map: IdMap) => map.flatMap(({ inside, outside, count }) => [inside, outside, count]).join(' ');

/** Shell commands that write the maps of `pid`, by the right that the session's kind has for it. */
function mapCommands(ids: SessionIds, maps: Maps, pid: number): string {
  if (ids.kind === 'mapped' && process.getuid?.() !== 0) {
    const program = (name: string) => findProgram(name) ?? name;
    return `'${program('newuidmap')}' ${pid} ${words(maps.uids)} && '${program('newgidmap')}' ${pid} ${words(maps.gids)}`;
  }
  const write = (name: string, text: string) => `printf '%s' '${text}' >/proc/${pid}/${name}`;
  // Who may map only himself must give up changing his groups first (user_namespaces(7)).
  const deny = ids.kind === 'single' ? `${write('setgroups', 'deny')} && ` : '';
  return `${deny}${write('uid_map', mapText(maps.uids))} && ${write('gid_map', mapText(maps.gids))}`;
}

/** Of somebody who used vagga here before, root for example: the first one that we may not write to. */
function foreignDirectory(root: string): string | undefined {
  const base = join(root, '.vagga');
  return [base, join(base, '.roots'), join(base, '.layers')].find(path => {
    try {
      accessSync(path, constants.W_OK);
      return false;
    } catch (error) {
      return (error as NodeJS.ErrnoException).code !== 'ENOENT';
    }
  });
}

/**
 * A sentence for the user when it is clear from the beginning that nothing can be built or run in the project at `root`.
 * `known`: ids that have worked before.
 */
export function cannotEnter(root: string, known?: CachedIds): string | undefined {
  const foreign = foreignDirectory(root);
  if (foreign !== undefined) {
    const owner = `${process.getuid?.()}:${process.getgid?.()}`;
    return `${foreign} cannot be written to: make it yours with   sudo chown -R ${owner} ${join(root, '.vagga')}`;
  }
  if (known !== undefined) return undefined;
  const trial = spawnSync(unshareProgram(), ['--user', '--mount', 'true'], { encoding: 'utf8' });
  if (trial.status === 0) return undefined;
  const reason = trial.error?.message ?? trial.stderr.trim();
  return `user namespaces cannot be made: ${reason}\nvagga _doctor says what helps.`;
}

/** Another process, in a user namespace of its own that has no ids yet. */
export function mapProcess(pid: number): void {
  const { ids, maps = sessionMaps(ids) } = currentIds();
  if (maps !== undefined) spawnSync('sh', ['-c', mapCommands(ids, maps, pid)], { stdio: 'inherit' });
}

/** As `enterNamespace`, into one that is there and has the ids of a session: `user` is its path. */
export function joinNamespace(user: string): never {
  const { ids, warnings, maps = sessionMaps(ids) } = currentIds();
  const told = { ids, warnings, maps };
  const env = { ...process.env, [IDS_VARIABLE]: JSON.stringify(told) } as Record<string, string>;
  const again = [process.execPath, ...process.execArgv, '--', ...process.argv.slice(1)];
  const inside = [unshareProgram(), '--mount', '--propagation', 'slave', ...again];
  const nsenter = findProgram('nsenter') ?? '/usr/bin/nsenter';
  execInPlace(nsenter, ['nsenter', `--user=${user}`, ...inside], env);
}

/**
 * Returns only by throwing: the program goes on from its beginning, inside. `known`: what the start-up cache has of our ids, if
 * they are still the same.
 */
export function enterNamespace(known?: CachedIds): never {
  const { ids, warnings, maps = sessionMaps(ids) } = currentIds();
  if (maps === undefined) throw new Error('there is no namespace for the ids of root');
  const [madeRead, madeWrite] = makePipe();
  const [mappedRead, mappedWrite] = makePipe();
  const commands = mapCommands(ids, maps, process.pid);
  const helper = spawnSync('sh', ['-c', HELPER, 'sh', commands], {
    stdio: [madeRead, mappedWrite, 'inherit'],
  });
  if (helper.error !== undefined) throw helper.error;
  for (const fd of [madeRead, mappedWrite]) closeSync(fd);
  // Behind `--` Node does not look for options of its own (--env-file) among ours.
  const again = [process.execPath, ...process.execArgv, '--', ...process.argv.slice(1)];
  const quick = known === undefined ? enterWords(ids) : known.words;
  const fds = [madeWrite, mappedRead];
  const told = {
    ids,
    warnings,
    maps,
    inherited: fds,
    ...(quick !== undefined && { cached: idsForCache(quick) }),
  };
  const env = { ...process.env, [IDS_VARIABLE]: JSON.stringify(told) } as Record<string, string>;
  const argv = ['unshare', ...NAMESPACES, 'sh', '-c', WAIT, 'sh', ...fds.map(String), ...again];
  execInPlace(unshareProgram(), argv, env, fds);
}

/**
 * The same as words before a command line, for a start that must not take time; undefined when it takes more than
 * unshare(1) can do by itself (version 2.38, one range of ids).
 */
function enterWords(ids: SessionIds): readonly string[] | undefined {
  const maps = sessionMaps(ids);
  if (maps === undefined) return [];
  const unshare = findProgram('unshare');
  if (unshare === undefined || process.getuid?.() === 0) return undefined;
  const options = (name: string, map: IdMap) => {
    const [, rest, ...more] = map;
    if (more.length > 0) return undefined;
    return rest === undefined ? [] : [`--map-${name}=${rest.outside},${rest.inside},${rest.count}`];
  };
  const [users, groups] = [options('users', maps.uids), options('groups', maps.gids)];
  if (users === undefined || groups === undefined) return undefined;
  const prefix = [unshare, '--map-root-user', ...users, ...groups];
  // Where no user namespace can be made, unshare 2.38 leaves a child behind that waits for ever: first without maps.
  const works = (...words: readonly string[]) =>
    spawnSync(unshare, [...words, 'true'], { stdio: 'ignore' }).status === 0;
  return works('--user') && works(...prefix.slice(1)) ? prefix : undefined;
}
