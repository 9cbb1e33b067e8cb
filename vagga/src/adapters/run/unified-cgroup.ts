// Where cgroup v2 lets a command have limits: the rules of the kernel about who may pass controllers on.
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { LimitFile } from '../../core/run/limits.ts';

type Controller = LimitFile['controller'];

/** For ordinary users. Sessions of systemd belong to root; what its manager of a user starts belongs to that user. */
export const OWN_SCOPE = 'systemd-run --user --scope -p Delegate=yes vagga …';
/** That manager gets only some controllers, on older systems memory and pids, unless it is told. */
const DELEGATE =
  "sudo sh -c 'cd /etc/systemd/system && mkdir -p user@.service.d && " +
  'printf "[Service]\\nDelegate=yes\\n" > user@.service.d/delegate.conf && systemctl daemon-reload' +
  "', then log in anew";

/** v2 has no place for it. `mayWrite`: there are cgroups of ours, but nobody passes the controllers on to them. */
export class NoCgroup extends Error {
  readonly hint: string;

  constructor(controllers: readonly Controller[], mayWrite: boolean) {
    super(`no cgroup that we may write to has ${controllers.join(', ')}`);
    this.hint = mayWrite ? DELEGATE : OWN_SCOPE;
  }
}

export const read = (path: string): string => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
};

function hasControllers(directory: string, controllers: readonly Controller[]): boolean {
  const there = read(join(directory, 'cgroup.controllers')).split(/\s+/);
  return controllers.every(controller => there.includes(controller));
}

/**
 * Lets the children of a v2 cgroup have controllers. Not of one with processes in it (but for the root of all, which has no type):
 * the kernel would refuse some, and take cpu and pids, whose children then take no processes (cgroup-v2.rst, "Threads").
 */
function enable(directory: string, controllers: readonly Controller[]): void {
  const isRoot = !existsSync(join(directory, 'cgroup.type'));
  if (!isRoot && read(join(directory, 'cgroup.procs')) !== '') return;
  try {
    writeFileSync(join(directory, 'cgroup.subtree_control'), controllers.map(name => `+${name}`).join(' '));
  } catch {
    // Not ours, or it cannot: what the child really has is looked at then.
  }
}

/** With the controllers, and one that processes can be moved into. */
function isUsable(directory: string, controllers: readonly Controller[]): boolean {
  return hasControllers(directory, controllers) && read(join(directory, 'cgroup.type')).trim() === 'domain';
}

interface Wanted {
  /** Where the hierarchy is mounted, and our own cgroup in it; empty: nowhere. */
  readonly top: string;
  readonly own: string;
  readonly name: string;
  readonly controllers: readonly Controller[];
}

/**
 * A new v2 cgroup with the controllers: below our own one or, because that has processes in it and so cannot pass
 * controllers on, beside it or further up, as far as we may write. Throws NoCgroup.
 */
export function makeUnified({ top, own, name, controllers }: Wanted): string {
  let mayWrite = false;
  for (let parent = own; parent.startsWith(top) && top !== ''; parent = dirname(parent)) {
    const directory = join(parent, name);
    try {
      mkdirSync(directory);
    } catch {
      continue;
    }
    if (!hasControllers(directory, controllers)) enable(parent, controllers);
    if (isUsable(directory, controllers)) return directory;
    rmdirSync(directory);
    // Below our own one it fails for everybody.
    mayWrite ||= parent !== own;
  }
  throw new NoCgroup(controllers, mayWrite);
}
