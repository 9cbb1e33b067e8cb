// The container engine as a start can use it: found once per boot and kept in the start-up cache.

import { readFileSync, statSync } from 'node:fs';
import { isExecutable } from '@suite/shared/linux/programs.ts';
import { currentIds } from '../namespace/current.ts';
import { stateDirectory } from '../namespace/state-directory.ts';
import type { CachedRuntime } from '../project/cache.ts';

/**
 * Candidates in the order of preference. catatonit 0.1.7 leaves its program with the signals of Ctrl-Z blocked, which every
 * program of a shell in the container then inherits; tini does not.
 */
const INIT_PLACES = [
  '/usr/bin/tini-static',
  '/usr/bin/catatonit',
  '/usr/libexec/podman/catatonit',
  '/usr/local/bin/catatonit',
];

/** Changes with the engine's binary, the boot and the kind of our ids, when a probe made before may be wrong. */
export function runtimeKey(program: string): string {
  const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  const stat = statSync(program, { throwIfNoEntry: false });
  return `${boot} ${stat?.mtimeMs ?? 'absent'} ${currentIds().ids.kind}`;
}

export function usableRuntime(cached: CachedRuntime | undefined): CachedRuntime | undefined {
  return cached !== undefined && cached.key === runtimeKey(cached.program) ? cached : undefined;
}

/** The command line of the engine with its state kept apart from everyone else's. */
export function engineCommand(engine: CachedRuntime, ...args: readonly string[]): string[] {
  return [...engine.prefix, engine.program, '--root', stateDirectory(), ...args];
}

/**
 * Starts a command of the project or a build step. The container stays in the cgroup of its caller, whose limits then hold for it,
 * and a killed vagga leaves none behind. `fds`: how many descriptors from 3 on go to the program;
 * `options`: of the engine itself.
 */
export function startCommand(
  engine: CachedRuntime,
  { directory, id }: { readonly directory: string; readonly id: string },
  { fds = 0, options = [] }: { readonly fds?: number; readonly options?: readonly string[] } = {},
): string[] {
  const { prefix, program, unlimited } = engine;
  const preserved = fds > 0 ? [`--preserve-fds=${fds}`] : [];
  const words = ['run', ...preserved, '--bundle', directory, id];
  return [...prefix, program, ...unlimited, ...options, '--root', stateDirectory(), ...words];
}

/** Runs another program in a running container. `options`: of that; `own`: of the engine itself. */
export function execCommand(
  engine: CachedRuntime,
  id: string,
  argv: readonly string[],
  { options = [], own = [] }: { readonly options?: readonly string[]; readonly own?: readonly string[] } = {},
): string[] {
  const { prefix, program, unlimited } = engine;
  return [
    ...prefix,
    program,
    ...unlimited,
    ...own,
    '--root',
    stateDirectory(),
    'exec',
    ...options,
    id,
    ...argv,
  ];
}

/**
 * The program gets `signal` when we end without having waited for it, also by SIGKILL; the engine passes it on into its
 * container. The kernel keeps this over exec.
 */
export function endWithUs(signal: 'HUP' | 'TERM', argv: readonly string[]): string[] {
  return ['setpriv', '--pdeathsig', signal, ...argv];
}

/** A static init for PID 1, without which TERM and INT do not end programs that have no handler for them. */
export function findInit(): string | undefined {
  return INIT_PLACES.find(isExecutable);
}
