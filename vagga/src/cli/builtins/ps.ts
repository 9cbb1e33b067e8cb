// `_ps`: what runs, detached or in some terminal, and its processes.
import { setTimeout as sleep } from 'node:timers/promises';
import { jsonOut } from '@suite/shared/cli/json-out.ts';
import { printTable } from '@suite/shared/cli/table.ts';
import type { KnownRun } from '../../adapters/runs/state.ts';
import { has, valuesOf } from '../../core/options/parse.ts';
import { flag, valued } from '../../core/options/spec.ts';
import { shortName } from '../../core/supervise/named.ts';
import { type ChildReport, hasFailed, isAllReady } from '../../core/supervise/run-state.ts';
import { type ChosenRun, chosenRuns } from '../chosen-runs.ts';
import { type Session, say } from '../session.ts';
import { entry } from './registry.ts';

const POLL_MS = 50;
/** As of timeout(1). */
const TOO_LATE = 124;
const WAIT_S = 300;

function stateText({ alive, suspended, state }: KnownRun, child: ChildReport): string {
  if (!alive && state.report.state !== 'ended') return 'lost';
  if (suspended) return 'suspended';
  return child.state === 'failed' ? `failed (${child.code})` : child.state;
}

function table(chosen: readonly ChosenRun[]): string {
  const runs = chosen.map(({ run }) => run);
  const rows = runs.flatMap(run => {
    const { known } = run;
    return known.state.report.children.map(child => [
      shortName(run, runs),
      child.name,
      stateText(known, child),
      known.alive ? String(child.pid ?? '') : '',
      String(child.restarts),
      known.state.startedAt,
      known.place.mode,
    ]);
  });
  return printTable(rows, {
    header: ['COMMAND', 'NAME', 'STATE', 'PID', 'RESTARTS', 'STARTED', 'MODE'],
    right: [3, 4],
  });
}

function json(runs: readonly ChosenRun[]): object {
  const commands = runs.map(
    ({
      run: {
        known: { state, alive, suspended, place },
      },
    }) => ({
      command: state.command,
      mode: place.mode,
      startedAt: state.startedAt,
      pid: state.supervisor.pid,
      suspended,
      state: alive || state.report.state === 'ended' ? state.report.state : 'lost',
      ...(state.report.code !== undefined && { code: state.report.code }),
      children: state.report.children.map(child => ({ ...child, container: state.containers[child.name] })),
    }),
  );
  return { commands };
}

/** Until all of them are ready; or one has failed, or it takes too long. */
async function waitUntilReady(session: Session, names: readonly string[], waitS: number): Promise<number> {
  const endMs = performance.now() + waitS * 1000;
  for (;;) {
    const runs = chosenRuns(session, names);
    if (typeof runs === 'number') return runs;
    if (runs.length === 0) return say(121, 'nothing is running');
    const failed = runs.find(
      ({ run: { known } }) =>
        hasFailed(known.state.report) || (!known.alive && known.state.report.state !== 'ended'),
    )?.run;
    if (failed !== undefined)
      return say(1, `${failed.command} will not be ready: vagga _logs ${failed.command}`);
    const late = runs.find(({ run }) => !isAllReady(run.known.state.report))?.run;
    if (late === undefined) return 0;
    if (performance.now() > endMs) return say(TOO_LATE, `${late.command} is not ready after ${waitS} s`);
    await sleep(POLL_MS);
  }
}

async function ps(session: Session, names: readonly string[], asJson: boolean): Promise<number> {
  const runs = chosenRuns(session, names);
  if (typeof runs === 'number') return runs;
  if (asJson) jsonOut(json(runs), process.stdout);
  else process.stdout.write(table(runs));
  return 0;
}

export const psEntry = entry(
  {
    name: 'vagga _ps',
    description: 'Show what runs, here or detached, and its processes',
    options: [
      flag('json', ['--json'], 'As JSON'),
      flag('wait', ['--wait'], 'First wait until all of them are ready; code 1 when one has failed'),
      valued('timeout', ['--timeout'], 'SECONDS', `How long to wait (${WAIT_S}); code ${TOO_LATE} then`),
    ],
    positionals: [
      { name: 'names', takes: 'list', completes: 'commands', help: 'Commands; all when none is named' },
    ],
  },
  async (session, { given, words }) => {
    const waitS = Number(valuesOf(given, 'timeout').at(-1) ?? WAIT_S);
    if (!(waitS > 0)) return say(122, 'vagga _ps: --timeout takes seconds');
    const code = has(given, 'wait') ? await waitUntilReady(session, words, waitS) : 0;
    return code === 0 ? await ps(session, words, has(given, 'json')) : code;
  },
);
