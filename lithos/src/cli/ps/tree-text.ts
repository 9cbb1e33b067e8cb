// What lithos_ps shows to a person: one tree of text per lithos_tree.
import type { Colours } from '@suite/shared/cli/colours.ts';
import type { RolloutStatus } from '@suite/shared/wire/lithos.ts';
import { type ProcessInfo, type ProcessTable, sum } from '../../adapters/process-table.ts';
import { describeState } from '../../core/instance/words.ts';
import type { SeenInstance, SeenTree } from './find-trees.ts';
import { ageS, bytes, cpuPercent, program, type Shown, secondsSinceBoot, show, uptime } from './shown.ts';
import { nearLimits, type Usage } from './usage.ts';

/** Below this a process has hardly proven itself: shown in red. */
const YOUNG_S = 30;
/** Less is no news. */
const CPU_SHOWN_PERCENT = 0.1;

export interface ViewOptions {
  readonly ink: Colours;
  readonly nowMs: number;
  readonly usage: (instance: SeenInstance) => Usage;
  /** Lines to show below an instance. */
  readonly notes: (shown: Shown, usage: Usage) => readonly string[];
}

interface Line {
  readonly text: string;
  readonly notes?: readonly string[];
  readonly children: readonly Line[];
}

function counts(all: readonly ProcessInfo[]): string {
  const { processes, threads, residentBytes, swapBytes } = sum(all);
  return `[${processes}/${threads}] ${bytes(residentBytes + swapBytes)}`;
}

/** What upstream's line does not have, in brackets behind it. */
function remarks(shown: Shown, usage: Usage, { ink, nowMs }: ViewOptions): string {
  const { status } = shown.instance;
  const percent = cpuPercent(shown, secondsSinceBoot()) ?? 0;
  const words = percent >= CPU_SHOWN_PERCENT ? [`cpu ${percent.toFixed(1)}%`] : [];
  words.push(...nearLimits(usage));
  if (status !== undefined) {
    const { state, ready, problem, restarts, lastExit, says, lostLines } = status;
    if (state !== 'running' || !ready || problem !== null) words.push(describeState(status, nowMs));
    // A tree that was started before this program was installed says nothing of it.
    if ((says ?? null) !== null) words.push(`says: ${says}`);
    if (restarts > 0) words.push(restarts === 1 ? '1 restart' : `${restarts} restarts`);
    if (lastExit !== null) words.push(`last ${lastExit.words}`);
    if ((lostLines ?? 0) > 0) words.push(`${lostLines} log lines lost: disk full`);
  }
  return words.length === 0 ? '' : ink.dim(` (${words.join(', ')})`);
}

function instanceText(shown: Shown, usage: Usage, options: ViewOptions): string {
  const { ink } = options;
  const { instance, roots, all } = shown;
  const { name } = instance;
  const after = remarks(shown, usage, options);
  const app = program(shown);
  if (app === undefined)
    return `${ink.red(`(${instance.monitor ?? '-'})`)} ${name} ${ink.red('<failing>')}${after}`;
  if (!shown.ok)
    return `${ink.red(`(${instance.pid})`)} ${name} ${ink.red(`<${roots.length}>`)} ${counts(all)}${after}`;
  const seconds = ageS(app, secondsSinceBoot());
  const age = seconds < YOUNG_S ? ink.red(uptime(seconds)) : ink.blue(uptime(seconds));
  return `${ink.green(String(app.pid))} ${name} ${age} ${counts(all)}${after}`;
}

function instanceLine(shown: Shown, options: ViewOptions): Line {
  const usage = options.usage(shown.instance);
  return { text: instanceText(shown, usage, options), notes: options.notes(shown, usage), children: [] };
}

function groupBy(all: readonly Shown[], key: (name: string) => string): Map<string, Shown[]> {
  const groups = new Map<string, Shown[]>();
  for (const shown of all) {
    const name = key(shown.instance.name);
    groups.set(name, [...(groups.get(name) ?? []), shown]);
  }
  return groups;
}

function rolloutText(rollouts: readonly RolloutStatus[], process: string, { ink }: ViewOptions): string {
  const found = rollouts.find(each => `${each.sandbox}/${each.process}` === process && each.state !== 'done');
  if (found === undefined) return '';
  const { state, done, total, message } = found;
  const why = message === null ? '' : `: ${message}`;
  if (state === 'rolling') return ink.yellow(` roll-out: ${done} of ${total}${why}`);
  return ink.red(` roll-out ${state === 'failed' ? 'failed' : 'taken back'}${why}`);
}

function processLines(tree: SeenTree, all: readonly Shown[], options: ViewOptions): Line[] {
  const rollouts = tree.status?.rollouts ?? [];
  return [...groupBy(all, name => name.replace(/\.\d+$/, ''))].flatMap(([process, shown]): Line[] => {
    const lines = shown.map(item => instanceLine(item, options));
    const rolling = rolloutText(rollouts, process, options);
    const [only] = lines;
    if (only !== undefined && shown.length === 1 && shown[0]?.instance.name.endsWith('.0'))
      return [{ ...only, text: only.text + rolling }];
    return [{ text: `${process} ${counts(shown.flatMap(item => item.all))}${rolling}`, children: lines }];
  });
}

function sandboxLines(tree: SeenTree, all: readonly Shown[], options: ViewOptions): Line[] {
  const { ink } = options;
  const bad = new Map(
    (tree.status?.sandboxes ?? []).filter(({ ok }) => !ok).map(item => [item.name, item.errors]),
  );
  const isIdle = (name: string) => !all.some(({ instance }) => instance.name.startsWith(`${name}/`));
  const lines = [...groupBy(all, name => name.split('/')[0] ?? '')].map(([sandbox, shown]) => {
    const errors = bad.get(sandbox);
    const note =
      errors === undefined
        ? ''
        : ink.red(` last good configuration in force: ${errors[0] ?? 'it has errors'}`);
    return {
      text: `${sandbox} ${counts(shown.flatMap(item => item.all))}${note}`,
      children: processLines(tree, shown, options),
    };
  });
  const nothing = [...bad]
    .filter(([name]) => isIdle(name))
    .map(([name, errors]) => ({
      text: `${name} ${ink.red(`nothing runs: ${errors[0] ?? 'it has errors'}`)}`,
      children: [],
    }));
  return [...lines, ...nothing];
}

function draw(line: Line, indent: string): string {
  return line.children
    .map((child, index) => {
      const last = index === line.children.length - 1;
      const inner = `${indent}${last ? '    ' : '│   '}`;
      const notes = (child.notes ?? []).map(note => `${inner}${note}\n`).join('');
      return `${indent}${last ? '└─' : '├─'}${child.text}\n${notes}${draw(child, inner)}`;
    })
    .join('');
}

function headText({ pid, config, status }: SeenTree, { ink }: ViewOptions): string {
  if (pid === undefined) return `- tree ${config} ${ink.red('(not running)')}`;
  return `${pid} tree ${config}${status?.stopping === true ? ink.red(' (stopping)') : ''}`;
}

/** One root line per tree at column 0, then sandboxes, processes, instances. */
export function textOf(tree: SeenTree, table: ProcessTable, options: ViewOptions): string {
  const all = tree.instances.map(instance => show(instance, table));
  const [error] = tree.status?.errors ?? [];
  const root: Line = {
    text: `${headText(tree, options)} ${counts(all.flatMap(item => item.all))}`,
    children: sandboxLines(tree, all, options),
  };
  const note = error === undefined || tree.pid === undefined ? '' : options.ink.red(` ${error}`);
  return `${root.text}${note}\n${draw(root, '  ')}`;
}
