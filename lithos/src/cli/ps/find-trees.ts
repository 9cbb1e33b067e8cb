// Which lithos_tree processes run here, and what each supervises: from /proc, the run directories and the status file.
import { readFileSync, readlinkSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { parseCommandLine } from '@suite/shared/cli/command.ts';
import { parseStatus } from '@suite/shared/linux/proc.ts';
import { realClock, realDisk } from '@suite/shared/ports/real.ts';
import type { Diagnostic } from '@suite/shared/schema/index.ts';
import type { InstanceStatus, TreeStatus } from '@suite/shared/wire/lithos.ts';
import { Cgroups } from '../../adapters/cgroups.ts';
import { loadMaster } from '../../adapters/load-master.ts';
import type { HostPaths } from '../../adapters/paths.ts';
import { runningSupervisor } from '../../adapters/pid-file.ts';
import type { ProcessTable } from '../../adapters/process-table.ts';
import { findRuns, readPid, sameProcess } from '../../adapters/records.ts';
import { readStatus } from '../../adapters/status-file.ts';
import { DEFAULTS } from '../../config/defaults.ts';
import { TREE_SPEC } from '../tree-spec.ts';
import { ask } from './ask.ts';

export interface SeenInstance {
  readonly name: string;
  /** The container's first process; undefined while nothing runs. */
  readonly pid: number | undefined;
  /** conmon, undefined when it is gone. */
  readonly monitor: number | undefined;
  /** Number of its present run; undefined while nothing runs. */
  readonly run: number | undefined;
  readonly status: InstanceStatus | undefined;
  /** What its run was made of (JSON); undefined while nothing runs. */
  readonly identity: string | undefined;
}

export interface SeenTree {
  /** Undefined: containers are left, but no supervisor runs. */
  readonly pid: number | undefined;
  readonly config: string;
  readonly paths: HostPaths;
  /** A GET on its public socket; undefined without an answer. */
  readonly ask: <T>(path: string) => Promise<T | undefined>;
  readonly status: TreeStatus | undefined;
  readonly cgroups: Cgroups;
  readonly instances: readonly SeenInstance[];
}

function words(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').slice(0, -1);
  } catch {
    return [];
  }
}

function link(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}

/** The arguments of a lithos_tree, started by name or through node; undefined for every other program. */
function treeArguments(command: readonly string[]): readonly string[] | undefined {
  const isTree = (word: string | undefined) => /^lithos_tree(\.cjs)?$/.test(basename(word ?? ''));
  if (isTree(command[0])) return command.slice(1);
  if (!/^node/.test(basename(command[0] ?? ''))) return undefined;
  const script = command.findIndex((word, index) => index > 0 && !word.startsWith('-'));
  return isTree(command[script]) ? command.slice(script + 1) : undefined;
}

/** A tree is root's: what somebody else has named so must not make us read his files. */
function isRoots(pid: number): boolean {
  try {
    return parseStatus(readFileSync(`/proc/${pid}/status`, 'latin1')).uids.every(uid => uid === 0);
  } catch {
    return false;
  }
}

/** Config files and pids of the running trees that share our pid namespace (the pids of others would mean nothing here). */
function runningConfigs(table: ProcessTable): Map<string, number> {
  const here = link('/proc/self/ns/pid');
  const found = new Map<string, number>();
  for (const pid of table.pids()) {
    const rest = treeArguments(words(pid));
    if (rest === undefined || !isRoots(pid) || link(`/proc/${pid}/ns/pid`) !== here) continue;
    const parsed = parseCommandLine(TREE_SPEC, rest);
    if (parsed.kind !== 'run') continue;
    const config = (parsed.options.config as string | undefined) ?? DEFAULTS.masterPath;
    found.set(resolve(link(`/proc/${pid}/cwd`) || '/', config), pid);
  }
  return found;
}

/** A sentence when the master config cannot be read: where everything else is, stands there. */
async function look(config: string, running: number | undefined): Promise<SeenTree | string> {
  const master = await loadMaster(realDisk, config, new Map());
  if (!master.ok) {
    const [{ file, line, column, message }] = master.errors as [Diagnostic];
    const who = running === undefined ? '' : `lithos_tree (pid ${running}) runs, but cannot be shown: `;
    return `${who}${file}:${line}:${column}: ${message}`;
  }
  const { paths } = master.value;
  const pid = await runningSupervisor(realDisk, paths.pidFile);
  const question = <T>(path: string) => ask<T>(paths.socketFile, path);
  // The tree itself knows best: on a full disk its file is old.
  const told = pid === undefined ? undefined : await question<TreeStatus>('/v1/status');
  const status = told ?? (await readStatus(realDisk, paths.statusFile));
  const byName = new Map<string, SeenInstance>();
  for (const item of pid === undefined ? [] : (status?.instances ?? [])) {
    const { name, run } = item;
    const [first, identity] = [item.pid ?? undefined, item.identity ?? undefined];
    byName.set(name, { name, pid: first, run, monitor: undefined, status: item, identity });
  }
  // Without root's rights the run directories are closed; the status file alone has the essentials.
  for (const run of await findRuns(realDisk, paths).catch(() => [])) {
    if (run.kind !== 'complete' || !sameProcess(run.record.pid, run.record.processStart)) continue;
    const { name, pid: first, run: number, identity } = run.record;
    const monitor = await readPid(run.files.monitorPidFile);
    byName.set(name, { name, pid: first, run: number, monitor, status: byName.get(name)?.status, identity });
  }
  const cgroups = new Cgroups(master.value.keys, realClock);
  const instances = [...byName.values()].sort(byNameAndIndex);
  return { pid, config, paths, ask: question, status, cgroups, instances };
}

function byNameAndIndex(a: SeenInstance, b: SeenInstance): number {
  const [left, right] = [a, b].map(({ name }) => /^(.*)\.(\d+)$/.exec(name) ?? [name, name, '0']);
  const names = [left?.[1] ?? '', right?.[1] ?? ''];
  if (names[0] !== names[1]) return (names[0] as string) < (names[1] as string) ? -1 : 1;
  return Number(left?.[2]) - Number(right?.[2]);
}

export interface FoundTrees {
  readonly trees: SeenTree[];
  /** A sentence for each master config that cannot be read. */
  readonly unreadable: readonly string[];
}

/** `config` undefined: every running tree. A tree that is not running is only shown when asked for. */
export async function findTrees(table: ProcessTable, config: string | undefined): Promise<FoundTrees> {
  const running = runningConfigs(table);
  const configs = config === undefined ? [...running.keys()] : [config];
  const found = await Promise.all(configs.map(each => look(each, running.get(resolve(each)))));
  const trees = found.filter(each => typeof each !== 'string');
  return {
    trees: trees.sort((a, b) => (a.pid ?? 0) - (b.pid ?? 0)),
    unreadable: found.filter(each => typeof each === 'string'),
  };
}
