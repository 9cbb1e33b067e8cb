import { readFileSync } from 'node:fs';
import { parseCgroupMounts } from '../linux/cgroup.ts';
import { findProgram } from '../linux/programs.ts';
import type { Proc } from '../ports/proc.ts';
import { type TrialPlace, tryContainer } from './trial.ts';

type RuntimeKind = 'crun' | 'crun-private-mount' | 'crun-without-cgroups' | 'runc';

/** The part of a choice that can be kept in a file; `runtimeChoice` brings it back. */
interface SavedRuntime {
  readonly kind: RuntimeKind;
  /** Absolute path. */
  readonly program: string;
  readonly reasons: readonly string[];
}

export interface RuntimeChoice extends SavedRuntime {
  /** What to spawn so that `argv` (the runtime, or conmon which starts it) sees the cgroups it can work with. */
  wrap(argv: readonly string[]): string[];
}

interface RuntimeUnavailable {
  readonly kind: 'none';
  /** For the user: what was tried, and the command that helps. */
  readonly message: string;
  readonly reasons: readonly string[];
}

interface ProbeOptions extends TrialPlace {
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Instead of /proc/self/mountinfo and the v2 hierarchy's cgroup.controllers. */
  readonly mountinfo?: string;
  readonly unifiedControllers?: string;
  /** False: trust the cheap decision without starting a container. */
  readonly verify?: boolean;
}

interface Candidate {
  readonly kind: RuntimeKind;
  readonly reason: string;
}

const KINDS: readonly RuntimeKind[] = ['crun', 'crun-private-mount', 'crun-without-cgroups', 'runc'];

/** What crun's look at the cgroup file systems must not see: it refuses a strange one, and none at all. */
const HIDDEN: Partial<Readonly<Record<RuntimeKind, string>>> = {
  'crun-private-mount': '/sys/fs/cgroup/unified',
  'crun-without-cgroups': '/sys/fs/cgroup',
};
const INSTALL = 'apt-get install -y crun conmon catatonit   (or runc instead of crun)';

/**
 * `slave`, so that the host's later unmounts reach the copy where the host shares its mounts. `-l`: a process of ours
 * may stand in the directory. In a user namespace mounts of the host cannot be undone, only covered. When neither works the
 * runtime's own message is the better one.
 */
function without(mountPoint: string, isMounted: boolean, argv: readonly string[]): string[] {
  const uncover = isMounted ? 'umount -l "$0" 2>/dev/null || ' : '';
  const script = `${uncover}mount -t tmpfs none "$0" 2>/dev/null; exec "$@"`;
  return ['unshare', '--mount', '--propagation', 'slave', 'sh', '-c', script, mountPoint, ...argv];
}

export function runtimeChoice(saved: SavedRuntime): RuntimeChoice {
  const hidden = HIDDEN[saved.kind];
  // Where there are no cgroups, an empty place for them may stand already: what is below it is none.
  const isMounted = saved.kind !== 'crun-without-cgroups';
  return { ...saved, wrap: argv => (hidden === undefined ? [...argv] : without(hidden, isMounted, argv)) };
}

function readOr(path: string, otherwise: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return otherwise;
  }
}

/** crun refuses to start when a v2 hierarchy beside v1 ones owns controllers (its statfs check of …/unified). */
function crunCandidate(options: ProbeOptions): Candidate {
  const { layout, unified } = parseCgroupMounts(options.mountinfo ?? readOr('/proc/self/mountinfo', ''));
  if (layout === 'none') {
    const reason = 'no cgroup file system is mounted: crun needs an empty one in its place';
    return { kind: 'crun-without-cgroups', reason };
  }
  if (layout !== 'hybrid' || unified === undefined)
    return { kind: 'crun', reason: `cgroup layout ${layout}: crun works as it is` };
  const owned = (options.unifiedControllers ?? readOr(`${unified.mountPoint}/cgroup.controllers`, '')).trim();
  if (owned === '')
    return { kind: 'crun', reason: 'cgroup layout hybrid without v2 controllers: crun works as it is' };
  const reason = `cgroup layout hybrid and v2 owns ${owned}: crun needs a mount namespace without ${unified.mountPoint}`;
  return { kind: 'crun-private-mount', reason };
}

function candidates(options: ProbeOptions): readonly Candidate[] {
  const forced = (options.env ?? process.env).SUITE_RUNTIME;
  if (forced !== undefined && forced !== '') {
    return KINDS.filter(kind => kind === forced).map(kind => ({ kind, reason: `SUITE_RUNTIME=${forced}` }));
  }
  return [crunCandidate(options), { kind: 'runc', reason: 'runc accepts every cgroup layout' }];
}

function unavailable(reasons: readonly string[]): RuntimeUnavailable {
  const lines = reasons.map(reason => `  tried: ${reason}`);
  const message = ['no OCI runtime that works here', ...lines, `  install one: ${INSTALL}`].join('\n');
  return { kind: 'none', message, reasons };
}

/**
 * Which container runtime to use and why: crun (5 ms a container) before runc (13 ms). Decides from files, then starts
 * one real container to be sure. Costs two container starts at most; the answer holds until the machine changes.
 */
export async function probeRuntime(
  proc: Proc,
  options: ProbeOptions = {},
): Promise<RuntimeChoice | RuntimeUnavailable> {
  const reasons: string[] = [];
  const list = candidates(options);
  if (list.length === 0) return unavailable([`SUITE_RUNTIME must be one of ${KINDS.join(', ')}`]);
  for (const { kind, reason } of list) {
    const program = findProgram(kind === 'runc' ? 'runc' : 'crun', (options.env ?? process.env).PATH);
    if (program === undefined) {
      reasons.push(`${kind}: not installed`);
      continue;
    }
    const choice = runtimeChoice({ kind, program, reasons: [...reasons, reason] });
    const problem = options.verify === false ? undefined : await tryContainer(proc, choice, options);
    if (problem === undefined) return choice;
    reasons.push(`${kind} (${reason}): ${problem}`);
  }
  return unavailable(reasons);
}
