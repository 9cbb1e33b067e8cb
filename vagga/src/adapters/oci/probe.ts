// Asks the suite's probe for an engine that works here.
import { spawnSync } from 'node:child_process';
import { probeRuntime } from '@suite/shared/oci/probe.ts';
import { tryContainer } from '@suite/shared/oci/trial.ts';
import { realProc } from '@suite/shared/ports/real.ts';
import type { CachedRuntime } from '../project/cache.ts';
import { endWithUs, findInit, runtimeKey } from './engine.ts';

export type Probed = CachedRuntime | { readonly error: string };

type Choice = Extract<Awaited<ReturnType<typeof probeRuntime>>, { readonly program: string }>;

/**
 * Moving a process to a new cgroup waits for an RCU grace period, 10–17 ms of a start on an idle machine, and a run has
 * no limits to set. runc has no such option; a crun that does not start with it is used without.
 */
async function unlimitedOptions(choice: Choice): Promise<readonly string[]> {
  if (choice.kind === 'runc') return [];
  const options = ['--cgroup-manager=disabled'];
  const wrap = ([program = '', ...rest]: readonly string[]) => choice.wrap([program, ...options, ...rest]);
  return (await tryContainer(realProc, { ...choice, wrap }, {})) === undefined ? options : [];
}

/** BusyBox has another program of this name. */
export function knowsDeathSignal(): boolean {
  const [program = '', ...rest] = endWithUs('TERM', ['true']);
  return spawnSync(program, rest, { stdio: 'ignore' }).status === 0;
}

const NO_DEATH_SIGNAL =
  "setpriv is missing or does not know --pdeathsig (BusyBox's does not): install the one of util-linux\n" +
  'vagga _doctor says what helps.';

export async function probeEngine(): Promise<Probed> {
  if (!knowsDeathSignal()) return { error: NO_DEATH_SIGNAL };
  const choice = await probeRuntime(realProc);
  if (choice.kind === 'none') return { error: choice.message };
  const { kind, program } = choice;
  const init = findInit();
  return {
    key: runtimeKey(program),
    kind,
    program,
    prefix: choice.wrap([]),
    unlimited: await unlimitedOptions(choice),
    ...(init !== undefined && { init }),
  };
}
