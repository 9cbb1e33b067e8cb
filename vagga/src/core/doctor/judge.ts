// Facts about a machine → what they mean for vagga and which command helps.
import {
  DOCTOR_DISK_LOW_BYTES,
  DOCTOR_DISK_MIN_BYTES,
  DOCTOR_INODES_LOW,
  DOCTOR_INOTIFY_WATCHES,
} from '../../config/defaults.ts';
import { requiredCount } from '../ids/maps.ts';
import type { SessionIds } from '../ids/session.ts';
import { type Finding, ok, problem, warning } from './finding.ts';

const DEFAULT_COUNT = requiredCount([{ start: 0, end: 65_536 }]);

export interface IdFacts {
  readonly ids: SessionIds;
  readonly user: string;
  readonly warnings: readonly string[];
  /** newuidmap and newgidmap: where they are, and whether they may do their work. */
  readonly helpers: readonly {
    readonly name: string;
    readonly path?: string;
    readonly privileged?: boolean;
  }[];
}

const countIn = (ids: { readonly ranges: readonly { start: number; end: number }[] }) =>
  ids.ranges.reduce((sum, { start, end }) => sum + end - start, 0);

/** A range above those that useradd gives by itself. */
const addIds = (user: string) =>
  `sudo usermod --add-subuids 10000000-10065535 --add-subgids 10000000-10065535 ${user}`;

function subordinates({ ids, user, warnings }: IdFacts): Finding {
  const check = 'subordinate ids';
  if (ids.kind === 'real') return ok(check, 'not needed: root has all ids');
  if (ids.kind === 'single') {
    const file = /(\/etc\/sub[ug]id):(\d+):/.exec(ids.reason);
    const fix = file === null ? addIds(user) : `sudo sed -i ${file[2]}d ${file[1]}`;
    return warning(check, `${ids.reason}: all files of images will belong to you`, fix);
  }
  const least = Math.min(countIn(ids.uids), countIn(ids.gids));
  if (least < DEFAULT_COUNT) {
    const few = `only ${least} for ${user}, containers ask for ${DEFAULT_COUNT} unless they say otherwise`;
    return problem(check, few, addIds(user));
  }
  const [first] = warnings;
  if (first !== undefined) return warning(check, first, addIds(user));
  return ok(check, `${least} for ${user}`);
}

function helper({ name, path, privileged }: IdFacts['helpers'][number]): Finding {
  if (path === undefined) return warning(name, 'not installed', 'sudo apt-get install -y uidmap');
  if (privileged === false)
    return problem(
      name,
      `${path} is neither set-uid root nor has file capabilities`,
      `sudo chmod u+s ${path}`,
    );
  return ok(name, path);
}

export function judgeIds(facts: IdFacts): Finding[] {
  const helpers = facts.ids.kind === 'real' ? [] : facts.helpers.map(helper);
  return [subordinates(facts), ...helpers];
}

export interface NamespaceFacts {
  readonly isRoot: boolean;
  /** What went wrong when one was made with all that vagga does in it; undefined: nothing. */
  readonly failure: string | undefined;
  /** Undefined: the kernel has no such setting. */
  readonly maxUserNamespaces: number | undefined;
  readonly unprivilegedClone: number | undefined;
  readonly appArmorRestricts: number | undefined;
}

/** The setting that forbids it, most likely first. */
function namespaceFix({ maxUserNamespaces, unprivilegedClone, appArmorRestricts }: NamespaceFacts): string {
  if (maxUserNamespaces === 0) return 'sudo sysctl -w user.max_user_namespaces=15000';
  if (unprivilegedClone === 0) return 'sudo sysctl -w kernel.unprivileged_userns_clone=1';
  if (appArmorRestricts === 1) return 'sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0';
  return 'sudo dmesg | tail';
}

export function judgeNamespaces(facts: NamespaceFacts): Finding[] {
  const { isRoot, failure, appArmorRestricts } = facts;
  const what = isRoot ? 'mount namespaces' : 'user namespaces';
  const works = failure === undefined ? ok(what, 'can be made') : problem(what, failure, namespaceFix(facts));
  if (isRoot || appArmorRestricts === undefined) return [works];
  const restricted = 'AppArmor restricts user namespaces of ordinary users';
  const fix = 'sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0';
  if (appArmorRestricts === 0) return [works, ok('AppArmor', 'does not restrict user namespaces')];
  if (failure === undefined) return [works, ok('AppArmor', `${restricted}, but lets this program make them`)];
  return [works, problem('AppArmor', restricted, fix)];
}

export interface InsideFacts {
  /** Undefined: no engine works. */
  readonly engine?: { readonly kind: string; readonly program: string };
  readonly engineFailure?: string;
  readonly init?: string;
  /** Undefined: the overlay file system can be used where the images are. */
  readonly overlayFailure?: string;
  readonly fuseOverlay: boolean;
  /** Controllers that a limit was really set with; what helps to get the others. */
  readonly cgroups: {
    readonly layout: string;
    readonly controllers: readonly string[];
    readonly hint: string;
  };
}

export function judgeInside(facts: InsideFacts): Finding[] {
  const { engine, engineFailure, init, overlayFailure, fuseOverlay, cgroups } = facts;
  const install = 'sudo apt-get install -y crun tini';
  const slower = fuseOverlay
    ? 'fuse-overlayfs is used, which is slower'
    : 'steps are copied, which is slower';
  const missing = ['memory', 'cpu', 'pids'].filter(name => !cgroups.controllers.includes(name));
  const limits = `no limits of ${missing.join(', ')} (cgroup layout ${cgroups.layout})`;
  return [
    engine === undefined
      ? problem('container engine', engineFailure ?? 'none works', install)
      : ok('container engine', `${engine.program} (${engine.kind})`),
    init === undefined
      ? warning(
          'init',
          'no tini-static or catatonit: programs without own signal handlers ignore Ctrl-C',
          'sudo apt-get install -y tini',
        )
      : ok('init', init),
    overlayFailure === undefined
      ? ok('overlay', 'works where images are built')
      : warning(
          'overlay',
          `${overlayFailure}: ${slower}`,
          fuseOverlay ? 'sudo modprobe overlay' : 'sudo apt-get install -y fuse-overlayfs',
        ),
    missing.length === 0
      ? ok('cgroups', `${cgroups.layout}: ${cgroups.controllers.join(', ')}`)
      : warning('cgroups', limits, cgroups.hint),
  ];
}

export interface MachineFacts {
  readonly directory: string;
  /** Why nothing can be made there: a code of the system. */
  readonly unwritable?: string;
  readonly freeBytes: number;
  readonly freeInodes: number;
  readonly inotifyWatches: number | undefined;
  /** Program → its absolute path, undefined if it is not there. */
  readonly programs: readonly {
    readonly name: string;
    readonly path?: string;
    /** It has the name and cannot do what is needed. */
    readonly isOther?: boolean;
    readonly package: string;
    readonly need: string;
    readonly isEssential: boolean;
  }[];
}

const mebibytes = (bytes: number) => `${Math.floor(bytes / 1024 ** 2)} MiB`;

function disk({ directory, freeBytes, freeInodes }: MachineFacts): Finding {
  const text = `${mebibytes(freeBytes)} free at ${directory}`;
  if (freeBytes < DOCTOR_DISK_MIN_BYTES) return problem('disk', text, 'vagga _clean --unused');
  if (freeBytes < DOCTOR_DISK_LOW_BYTES) return warning('disk', text, 'vagga _clean --unused');
  if (freeInodes < DOCTOR_INODES_LOW)
    return warning('disk', `${freeInodes} files can still be made at ${directory}`, 'vagga _clean --unused');
  return ok('disk', text);
}

function place({ directory, unwritable }: MachineFacts): Finding {
  if (unwritable === undefined) return ok('project', `${directory} is writable`);
  return unwritable === 'EROFS'
    ? problem(
        'project',
        `${directory} is on a read-only file system`,
        `sudo mount -o remount,rw "$(findmnt -no TARGET -T "$(dirname ${directory})")"`,
      )
    : problem('project', `${directory} is not writable`, `sudo chown -R $(id -u):$(id -g) ${directory}`);
}

export function judgeMachine(facts: MachineFacts): Finding[] {
  const { inotifyWatches: watches, programs } = facts;
  const inotify =
    watches === undefined || watches >= DOCTOR_INOTIFY_WATCHES
      ? ok('inotify', `${watches ?? 'unlimited'} watches`)
      : warning(
          'inotify',
          `${watches} watches are few for a project`,
          `sudo sysctl -w fs.inotify.max_user_watches=${8 * DOCTOR_INOTIFY_WATCHES}`,
        );
  const found = programs.map(({ name, path, package: from, need, isEssential, isOther }) => {
    const fix = `sudo apt-get install -y ${from}`;
    if (isOther === true) return problem(name, `${path} is not the one of ${from}, needed for ${need}`, fix);
    if (path !== undefined) return ok(name, path);
    return (isEssential ? problem : warning)(name, `not installed, needed for ${need}`, fix);
  });
  return [place(facts), disk(facts), inotify, ...found];
}

export interface MirrorFacts {
  readonly name: string;
  readonly url: string;
  /** Undefined: it answered. */
  readonly failure?: string;
}

export function judgeMirror({ name, url, failure }: MirrorFacts): Finding {
  const check = `mirror ${name}`;
  if (failure === undefined) return ok(check, url);
  return warning(check, `${url}: ${failure}`, `curl -sSI ${url}   (another one: the setting ${name}-mirror)`);
}
