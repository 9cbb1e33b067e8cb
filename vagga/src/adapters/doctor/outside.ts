// Facts that anybody can see: the user's ids, kernel settings, disk, programs.
import { spawnSync } from 'node:child_process';
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readFileSync,
  rmdirSync,
  statfsSync,
  statSync,
} from 'node:fs';
import { userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import { findProgram } from '@suite/shared/linux/programs.ts';
import type { IdFacts, MachineFacts, NamespaceFacts } from '../../core/doctor/judge.ts';
import { currentIds } from '../namespace/current.ts';
import { knowsDeathSignal } from '../oci/probe.ts';

function setting(name: string): number | undefined {
  try {
    return Number(readFileSync(`/proc/sys/${name.replaceAll('.', '/')}`, 'utf8').trim());
  } catch {
    return undefined;
  }
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return String(process.getuid?.());
  }
}

const SET_UID = 0o4000;

/** Some distributions give file capabilities instead. */
function hasCapabilities(path: string): boolean {
  const getcap = findProgram('getcap');
  return getcap !== undefined && spawnSync(getcap, [path], { encoding: 'utf8' }).stdout.includes('cap_set');
}

function isPrivileged(path: string): boolean {
  const { mode, uid } = statSync(path);
  return uid === 0 && ((mode & SET_UID) !== 0 || hasCapabilities(path));
}

export function idFacts(): IdFacts {
  const { ids, warnings } = currentIds();
  const helpers = ['newuidmap', 'newgidmap'].map(name => {
    const path = findProgram(name);
    return path === undefined ? { name } : { name, path, privileged: isPrivileged(path) };
  });
  return { ids, user: userName(), warnings, helpers };
}

export function namespaceSettings(): Omit<NamespaceFacts, 'failure'> {
  return {
    isRoot: currentIds().ids.kind === 'real',
    maxUserNamespaces: setting('user.max_user_namespaces'),
    unprivilegedClone: setting('kernel.unprivileged_userns_clone'),
    appArmorRestricts: setting('kernel.apparmor_restrict_unprivileged_userns'),
  };
}

const PROGRAMS = [
  { name: 'unshare', package: 'util-linux', need: 'namespaces', isEssential: true },
  { name: 'setpriv', package: 'util-linux', need: 'ending programs with vagga', isEssential: true },
  { name: 'mmdebstrap', package: 'mmdebstrap', need: '!Debian and !Ubuntu', isEssential: false },
  { name: 'git', package: 'git', need: '!Git', isEssential: false },
  { name: 'xz', package: 'xz-utils', need: 'archives', isEssential: false },
] as const;

/** The directory itself, or the nearest one above that exists. */
export function existing(path: string): string {
  return existsSync(path) ? path : existing(dirname(path));
}

/** The code of the failure, if there is one. */
function unwritable(path: string): string | undefined {
  const probe = join(existing(path), `.vagga-doctor-${process.pid}`);
  try {
    accessSync(existing(path), constants.W_OK);
    mkdirSync(probe);
    rmdirSync(probe);
    return undefined;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? 'EACCES';
  }
}

/** `directory`: where images are or will be. */
export function machineFacts(directory: string): MachineFacts {
  const { bavail, bsize, ffree } = statfsSync(existing(directory));
  const programs = PROGRAMS.map(program => {
    const path = findProgram(program.name);
    const isOther = program.name === 'setpriv' && path !== undefined && !knowsDeathSignal();
    return path === undefined ? program : { ...program, path, isOther };
  });
  const reason = unwritable(directory);
  return {
    directory,
    ...(reason !== undefined && { unwritable: reason }),
    freeBytes: bavail * bsize,
    freeInodes: ffree,
    inotifyWatches: setting('fs.inotify.max_user_watches'),
    programs,
  };
}
