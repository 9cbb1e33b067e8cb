// What lithos_ps shows, as a tree of text and as JSON.

import { readFileSync, readlinkSync } from 'node:fs';
import type { Colours } from '@suite/shared/cli/colours.ts';
import { bootTime } from '@suite/shared/linux/proc.ts';
import { type ProcessInfo, type ProcessTable, sum } from '../adapters/process-table.ts';
import { describeState } from '../core/instance/words.ts';
import type { SeenInstance, SeenTree } from './find-trees.ts';

/** USER_HZ is 100 on every Linux Node runs on. */
const TICKS_PER_S = 100;
const UNITS = ['B', 'kiB', 'MiB', 'GiB'];

interface Shown {
  readonly instance: SeenInstance;
  /** Processes that are the application's, without the init and the monitor. */
  readonly roots: readonly ProcessInfo[];
  readonly all: readonly ProcessInfo[];
  readonly ok: boolean;
}

function namespaceOf(pid: number | 'self'): string {
  try {
    return readlinkSync(`/proc/${pid}/ns/pid`);
  } catch {
    return '';
  }
}

/** With pids of its own a container's first process is our init; otherwise it is the application itself. */
function show(instance: SeenInstance, table: ProcessTable): Shown {
  const { pid, monitor } = instance;
  const first = pid === undefined ? undefined : table.get(pid);
  if (first === undefined) return { instance, roots: [], all: [], ok: false };
  const shared = namespaceOf(first.pid) === namespaceOf('self');
  const holder = shared ? monitor : first.pid;
  const roots = holder === undefined ? [first] : table.children(holder);
  const all = roots.flatMap(({ pid: root }) => table.subtree(root));
  return { instance, roots, all, ok: shared ? true : roots.length === 1 };
}

function bytes(value: number): string {
  let unit = 0;
  let shown = value;
  for (; shown >= 1024 && unit < UNITS.length - 1; unit++) shown /= 1024;
  return unit === 0 ? `${shown}B` : `${shown.toFixed(1)}${UNITS[unit]}`;
}

const MINUTE_S = 60;
const HOUR_S = 3600;
const DAY_S = 86_400;

function uptime(seconds: number): string {
  const days = Math.floor(seconds / DAY_S);
  const hours = Math.floor((seconds % DAY_S) / HOUR_S);
  const minutes = Math.floor((seconds % HOUR_S) / MINUTE_S);
  if (seconds < MINUTE_S) return `${Math.floor(seconds)}s`;
  if (seconds < HOUR_S) return `${minutes}m${Math.floor(seconds % MINUTE_S)}s`;
  if (seconds < DAY_S) return `${hours}h${minutes}m${Math.floor(seconds % MINUTE_S)}s`;
  return days < 3 ? `${days}d${hours}h${minutes}m` : `${days}days`;
}

/** Below this a process has hardly proven itself: shown in red. */
const YOUNG_S = 30;

function counts(all: readonly ProcessInfo[]): string {
  const { processes, threads, residentBytes, swapBytes } = sum(all);
  return `[${processes}/${threads}] ${bytes(residentBytes + swapBytes)}`;
}

function secondsSinceBoot(): number {
  return Number.parseFloat(readFileSync('/proc/uptime', 'utf8'));
}

export interface ViewOptions {
  readonly ink: Colours;
  readonly nowMs: number;
}

function history(instance: SeenInstance, { ink, nowMs }: ViewOptions): string {
  const status = instance.status;
  if (status === undefined) return '';
  const words = [];
  if (status.state !== 'running' || !status.ready || status.problem !== null)
    words.push(describeState(status, nowMs));
  if (status.restarts > 0) words.push(status.restarts === 1 ? '1 restart' : `${status.restarts} restarts`);
  if (status.lastExit !== null) words.push(`last ${status.lastExit.words}`);
  return words.length === 0 ? '' : ink.dim(` (${words.join(', ')})`);
}

function instanceLine(shown: Shown, options: ViewOptions): string {
  const { ink } = options;
  const { instance, roots, all } = shown;
  const after = history(instance, options);
  const [first] = roots;
  if (first === undefined)
    return `${ink.red(`(${instance.monitor ?? '-'})`)} ${instance.name} ${ink.red('<failing>')}${after}`;
  if (!shown.ok)
    return `${ink.red(`(${instance.pid})`)} ${instance.name} ${ink.red(`<${roots.length}>`)} ${counts(all)}${after}`;
  const app = roots.find(({ pid }) => pid === instance.pid) ?? first;
  const seconds = secondsSinceBoot() - app.startTicks / TICKS_PER_S;
  const age = seconds < YOUNG_S ? ink.red(uptime(seconds)) : ink.blue(uptime(seconds));
  return `${ink.green(String(app.pid))} ${instance.name} ${age} ${counts(all)}${after}`;
}

interface Line {
  readonly text: string;
  readonly children: readonly Line[];
}

function groupBy(all: readonly Shown[], key: (name: string) => string): Map<string, Shown[]> {
  const groups = new Map<string, Shown[]>();
  for (const shown of all) {
    const name = key(shown.instance.name);
    groups.set(name, [...(groups.get(name) ?? []), shown]);
  }
  return groups;
}

function processLines(all: readonly Shown[], options: ViewOptions): Line[] {
  return [...groupBy(all, name => name.replace(/\.\d+$/, ''))].flatMap(([process, shown]): Line[] => {
    const lines = shown.map(item => ({ text: instanceLine(item, options), children: [] }));
    const single = shown.length === 1 && shown[0]?.instance.name.endsWith('.0');
    return single
      ? lines
      : [{ text: `${process} ${counts(shown.flatMap(item => item.all))}`, children: lines }];
  });
}

function sandboxLines(tree: SeenTree, all: readonly Shown[], options: ViewOptions): Line[] {
  const { ink } = options;
  const bad = new Map(
    (tree.status?.sandboxes ?? []).filter(({ ok }) => !ok).map(item => [item.name, item.errors]),
  );
  return [...groupBy(all, name => name.split('/')[0] ?? '')].map(([sandbox, shown]) => {
    const errors = bad.get(sandbox);
    const note =
      errors === undefined
        ? ''
        : ink.red(` last good configuration in force: ${errors[0] ?? 'it has errors'}`);
    return {
      text: `${sandbox} ${counts(shown.flatMap(item => item.all))}${note}`,
      children: processLines(shown, options),
    };
  });
}

function draw(line: Line, indent: string): string {
  return line.children
    .map((child, index) => {
      const last = index === line.children.length - 1;
      const head = `${indent}${last ? '└─' : '├─'}${child.text}\n`;
      return head + draw(child, `${indent}${last ? '    ' : '│   '}`);
    })
    .join('');
}

/** One root line per tree at column 0, then sandboxes, processes, instances. */
export function textOf(tree: SeenTree, table: ProcessTable, options: ViewOptions): string {
  const all = tree.instances.map(instance => show(instance, table));
  const head =
    tree.pid === undefined
      ? `- tree ${tree.config} ${options.ink.red('(not running)')}`
      : `${tree.pid} tree ${tree.config}`;
  const root: Line = {
    text: `${head} ${counts(all.flatMap(item => item.all))}`,
    children: sandboxLines(tree, all, options),
  };
  return `${root.text}\n${draw(root, '  ')}`;
}

function processJson(root: ProcessInfo, table: ProcessTable, bootS: number): object {
  const total = sum(table.subtree(root.pid));
  return {
    pid: root.pid,
    processes: total.processes,
    threads: total.threads,
    mem_rss: total.residentBytes,
    mem_swap: total.swapBytes,
    start_time: Math.floor(bootS + root.startTicks / TICKS_PER_S),
    user_time: total.userTime,
    system_time: total.systemTime,
    child_user_time: total.childUserTime,
    child_system_time: total.childSystemTime,
  };
}

/** The documented shape, plus `state`, `words`, `restarts`, `failures`, `last_exit` and `problem` of each instance. */
export function jsonOf(tree: SeenTree, table: ProcessTable, nowMs: number): object {
  const bootS = bootTime(readFileSync('/proc/stat', 'utf8')) ?? 0;
  const children = tree.instances.map(instance => {
    const shown = show(instance, table);
    const { status } = instance;
    const known =
      status === undefined
        ? {}
        : {
            state: status.state,
            words: describeState(status, nowMs),
            restarts: status.restarts,
            failures: status.failures,
            last_exit: status.lastExit?.words ?? null,
            problem: status.problem,
          };
    const processes = shown.roots.map(root => processJson(root, table, bootS));
    return { name: instance.name, pid: instance.pid ?? 0, ok: shown.ok, processes, ...known };
  });
  const sandboxes = tree.status?.sandboxes ?? [];
  return { pid: tree.pid ?? 0, config: tree.config, children, sandboxes };
}
