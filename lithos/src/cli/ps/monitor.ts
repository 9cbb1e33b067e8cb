// lithos_ps --monitor: a table that is drawn again every second, and a terminal that is left as it was found.
import { printTable } from '@suite/shared/cli/table.ts';
import { ProcessTable, sum } from '../../adapters/process-table.ts';
import { SHOWN } from '../../config/defaults.ts';
import { describeState } from '../../core/instance/words.ts';
import type { SeenTree } from './find-trees.ts';
import {
  bytes,
  cpuPercent,
  cpuTicks,
  program,
  type Shown,
  secondsSinceBoot,
  show,
  TICKS_PER_S,
} from './shown.ts';

/** What was used at a moment: ticks by instance and first process. */
export interface Sample {
  readonly atS: number;
  readonly ticks: ReadonlyMap<string, number>;
}

const HEADER = ['PID', 'NAME', 'CPU', 'THR', 'PRC', 'MEM', 'STATE'];
const NUMBERS = [0, 2, 3, 4, 5];

function keyOf(shown: Shown): string {
  return `${shown.instance.name} ${program(shown)?.pid ?? 0}`;
}

/** Between two looks; at the first one since the program started. */
function percent(shown: Shown, now: Sample, before: Sample | undefined): number {
  const key = keyOf(shown);
  const last = before?.ticks.get(key);
  if (before === undefined || last === undefined) return cpuPercent(shown, now.atS) ?? 0;
  const seconds = now.atS - before.atS;
  return seconds <= 0 ? 0 : (((now.ticks.get(key) ?? last) - last) / TICKS_PER_S / seconds) * 100;
}

/** All instances sorted by name, as a table; and what the next frame needs. `nowMs`: wall clock. */
export function frame(
  trees: readonly SeenTree[],
  before: Sample | undefined,
  nowMs: number,
  width: number | undefined,
): { readonly text: string; readonly sample: Sample } {
  const table = new ProcessTable();
  const all = trees.flatMap(tree => tree.instances.map(instance => show(instance, table)));
  const ticks = new Map(all.map(shown => [keyOf(shown), cpuTicks(shown)]));
  const sample = { atS: secondsSinceBoot(), ticks };
  const rows = all.map(shown => {
    const { name, status } = shown.instance;
    const total = sum(shown.all);
    return [
      // As upstream: a pid only where there is exactly one program.
      String(shown.ok ? (program(shown)?.pid ?? 0) : 0),
      name,
      percent(shown, sample, before).toFixed(1),
      String(total.threads),
      String(total.processes),
      bytes(total.residentBytes + total.swapBytes),
      status === undefined ? '' : describeState(status, nowMs),
    ];
  });
  const options = { header: HEADER, right: NUMBERS, ...(width === undefined ? {} : { width }) };
  return { text: printTable(rows, options), sample };
}

/** Of a terminal that does not know its size (a serial console). */
const COLUMNS = 80;
const ROWS = 24;
/** In raw mode it comes as a byte. */
const CTRL_C = 3;
const ENTER = '\x1b[?1049h\x1b[?25l';
const LEAVE = '\x1b[?25h\x1b[?1049l';

/** Draws over the last frame without a flicker; what does not fit is left out. */
function onScreen(text: string, rows: number): string {
  const lines = text
    .trimEnd()
    .split('\n')
    .slice(0, rows - 1);
  return `\x1b[H${lines.map(line => `${line}\x1b[K\n`).join('')}\x1b[J`;
}

/** Resolves when somebody ends it: a signal, `q`, or a reader that went away. */
function ended(): { readonly promise: Promise<void>; readonly stop: () => void } {
  const { stdin } = process;
  const raw = stdin.isTTY === true;
  let finish: () => void = () => undefined;
  const promise = new Promise<void>(resolve => {
    finish = resolve;
  });
  const onKey = (data: Buffer) => {
    if (data.includes('q') || data.includes(CTRL_C)) finish();
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, finish);
  process.stdout.on('error', finish);
  if (raw) stdin.setRawMode(true).on('data', onKey);
  const stop = () => {
    if (raw) stdin.setRawMode(false).off('data', onKey).pause();
  };
  return { promise, stop };
}

/** Frames until it is ended. Without a terminal frames follow each other, with an empty line between them. */
export async function monitor(find: () => Promise<readonly SeenTree[]>): Promise<void> {
  const { stdout } = process;
  const isScreen = stdout.isTTY === true;
  const end = ended();
  let isOver = false;
  void end.promise.then(() => {
    isOver = true;
  });
  let before: Sample | undefined;
  const restore = () => void stdout.write(LEAVE);
  if (isScreen) {
    stdout.write(ENTER);
    process.once('exit', restore);
  }
  while (!isOver) {
    const { text, sample } = frame(
      await find(),
      before,
      Date.now(),
      isScreen ? stdout.columns || COLUMNS : undefined,
    );
    before = sample;
    stdout.write(isScreen ? onScreen(text, stdout.rows || ROWS) : `${text}\n`);
    await pause(end.promise);
  }
  end.stop();
  if (isScreen) {
    process.off('exit', restore);
    restore();
  }
}

async function pause(end: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const next = new Promise<void>(resolve => {
    timer = setTimeout(resolve, SHOWN.frameMs);
  });
  await Promise.race([next, end]);
  clearTimeout(timer);
}
