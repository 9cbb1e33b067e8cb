// `_ps`: detached commands and their processes.
import { setTimeout as sleep } from 'node:timers/promises';
import { jsonOut } from '@suite/shared/cli/json-out.ts';
import { printTable } from '@suite/shared/cli/table.ts';
import type { Detached } from '../../adapters/detached/state.ts';
import { has, valuesOf } from '../../core/options/parse.ts';
import { flag, valued } from '../../core/options/spec.ts';
import { type ChildReport, hasFailed, isAllReady } from '../../core/supervise/run-state.ts';
import { type ChosenRun, chosenRuns } from '../detached.ts';
import { type Session, say } from '../session.ts';
import { entry } from './registry.ts';

const POLL_MS = 50;
/** As of timeout(1). */
const TOO_LATE = 124;
const WAIT_S = 300;

function stateText({ alive, state }: Detached, child: ChildReport): string {
  if (!alive && state.report.state !== 'ended') return 'lost';
  return child.state === 'failed' ? `failed (${child.code})` : child.state;
}

function table(runs: readonly ChosenRun[]): string {
  const rows = runs.flatMap(({ detached }) =>
    detached.state.report.children.map(child => [
      detached.state.command,
      child.name,
      stateText(detached, child),
      detached.alive ? String(child.pid ?? '') : '',
      String(child.restarts),
      detached.state.startedAt,
    ]),
  );
  return printTable(rows, {
    header: ['COMMAND', 'NAME', 'STATE', 'PID', 'RESTARTS', 'STARTED'],
    right: [3, 4],
  });
}

function json(runs: readonly ChosenRun[]): object {
  const commands = runs.map(({ detached: { state, alive } }) => ({
    command: state.command,
    startedAt: state.startedAt,
    pid: state.supervisor.pid,
    state: alive || state.report.state === 'ended' ? state.report.state : 'lost',
    ...(state.report.code !== undefined && { code: state.report.code }),
    children: state.report.children.map(child => ({ ...child, container: state.containers[child.name] })),
  }));
  return { commands };
}

/** Until all of them are ready; or one has failed, or it takes too long. */
async function waitUntilReady(session: Session, names: readonly string[], waitS: number): Promise<number> {
  const endMs = performance.now() + waitS * 1000;
  for (;;) {
    const runs = chosenRuns(session, names);
    if (typeof runs === 'number') return runs;
    if (runs.length === 0) return say(121, 'nothing is detached');
    const failed = runs.find(
      ({ detached: { alive, state } }) =>
        hasFailed(state.report) || (!alive && state.report.state !== 'ended'),
    );
    if (failed !== undefined)
      return say(1, `${failed.command} will not be ready: vagga _logs ${failed.command}`);
    const late = runs.find(({ detached }) => !isAllReady(detached.state.report));
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
    description: 'Show detached commands and their processes',
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
