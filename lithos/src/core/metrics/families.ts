// What /metrics tells, from the status, the cgroups and the counters.
import type { InstanceStatus, TreeStatus } from '@suite/shared/wire/lithos.ts';
import type { Counters } from './counters.ts';
import type { Family, Sample } from './prometheus.ts';

/** What the cgroup of one instance says; a value the kernel or the set-up lacks is undefined. */
export interface Usage {
  readonly memoryBytes: number | undefined;
  readonly memoryLimitBytes: number | undefined;
  readonly cpuUsageMs: number | undefined;
  readonly throttledMs: number | undefined;
  readonly pids: number | undefined;
}

export interface FamiliesInput {
  readonly status: TreeStatus;
  readonly usage: ReadonlyMap<string, Usage>;
  readonly counters: Counters;
  /** Of the supervisor itself. */
  readonly own: { readonly residentBytes: number; readonly cpuSeconds: number };
}

const MS_PER_S = 1000;

function labelsOf(name: string): Record<string, string> {
  const [, sandbox = '', process = '', instance = ''] = /^([^/]*)\/(.*)\.(\d+)$/.exec(name) ?? [];
  return { sandbox, process, instance };
}

type Read = (instance: InstanceStatus) => number | null | undefined;

function perInstance(status: TreeStatus, read: Read): Sample[] {
  return status.instances.flatMap(instance => {
    const value = read(instance);
    return typeof value === 'number' ? [{ labels: labelsOf(instance.name), value }] : [];
  });
}

function inSeconds(ms: number | null | undefined): number | undefined {
  return typeof ms === 'number' ? ms / MS_PER_S : undefined;
}

function instanceFamilies({ status, usage }: FamiliesInput): Family[] {
  const family = (type: Family['type'], name: string, help: string, read: Read): Family => ({
    name: `lithos_instance_${name}`,
    type,
    help,
    samples: perInstance(status, read),
  });
  return [
    family('gauge', 'up', '1 while its program runs', ({ state }) => Number(state === 'running')),
    family('gauge', 'ready', '1 while it runs and is found ready', ({ ready }) => Number(ready)),
    family('gauge', 'failed', '1 after too many failures in a row', ({ state }) =>
      Number(state === 'failed'),
    ),
    family('gauge', 'start_time_seconds', 'start of the present run, since 1970', item =>
      inSeconds(item.startedWallMs),
    ),
    family('counter', 'restarts_total', 'starts after the first one', ({ restarts }) => restarts),
    family('counter', 'failures_total', 'ends and starts that count as failures', ({ failures }) => failures),
    family(
      'counter',
      'lost_log_lines_total',
      'lines of its output that no disk took',
      ({ lostLines }) => lostLines,
    ),
    family('counter', 'lost_log_bytes_total', 'bytes of these', ({ lostBytes }) => lostBytes),
    family('gauge', 'memory_bytes', 'memory of its cgroup', ({ name }) => usage.get(name)?.memoryBytes),
    family(
      'gauge',
      'memory_limit_bytes',
      'memory limit of its cgroup',
      ({ name }) => usage.get(name)?.memoryLimitBytes,
    ),
    family('counter', 'cpu_seconds_total', 'CPU time of its cgroup', ({ name }) =>
      inSeconds(usage.get(name)?.cpuUsageMs),
    ),
    family('counter', 'cpu_throttled_seconds_total', 'time it waited because of its quota', ({ name }) =>
      inSeconds(usage.get(name)?.throttledMs),
    ),
    family('gauge', 'processes', 'processes and threads in its cgroup', ({ name }) => usage.get(name)?.pids),
  ];
}

function processFamilies({ status, counters }: FamiliesInput): Family[] {
  const processes = [...new Set(status.instances.map(({ name }) => name.replace(/\.\d+$/, '')))];
  const family = (metric: 'started' | 'deaths' | 'failures', help: string): Family => ({
    name: `lithos_process_${metric}_total`,
    type: 'counter',
    help,
    samples: processes.map(process => {
      const { instance: _none, ...labels } = labelsOf(`${process}.0`);
      return { labels, value: counters.ofProcess(process, metric) };
    }),
  });
  return [
    family('started', 'starts of all its instances'),
    family('deaths', 'ends and failed starts of all its instances'),
    family('failures', 'of these, failures'),
  ];
}

function rolloutFamilies({ status }: FamiliesInput): Family[] {
  const labels = ({ sandbox, process }: { sandbox: string; process: string }) => ({ sandbox, process });
  const gauge = (name: string, help: string, samples: Sample[]): Family => ({
    name: `lithos_rollout_${name}`,
    type: 'gauge',
    help,
    samples,
  });
  return [
    gauge(
      'state',
      '1 for the state the roll-out of a process is in',
      status.rollouts.map(each => ({ labels: { ...labels(each), state: each.state }, value: 1 })),
    ),
    gauge(
      'instances',
      'instances of a roll-out',
      status.rollouts.map(each => ({ labels: labels(each), value: each.total })),
    ),
    gauge(
      'instances_done',
      'instances of a roll-out that are done',
      status.rollouts.map(each => ({ labels: labels(each), value: each.done })),
    ),
  ];
}

function treeFamilies({ status, own, counters }: FamiliesInput): Family[] {
  const one = (type: Family['type'], name: string, help: string, value: number, labels = {}): Family => ({
    name,
    type,
    help,
    samples: [{ labels, value }],
  });
  const { version, runtime, reloads, errors, sandboxes } = status;
  return [
    one('gauge', 'lithos_tree_info', 'version and container runtime', 1, { version, runtime }),
    one('counter', 'lithos_tree_starts_total', 'starts and replacements', counters.get('master', 'restarts')),
    one('counter', 'lithos_reloads_total', 'readings of the configuration', reloads),
    one(
      'gauge',
      'lithos_config_errors',
      'errors of the master file and the sandboxes directory',
      errors.length,
    ),
    {
      name: 'lithos_sandbox_config_errors',
      type: 'gauge',
      help: 'errors in the files of a sandbox; its last good configuration is in force then',
      samples: sandboxes.map(({ name, errors: found }) => ({
        labels: { sandbox: name },
        value: found.length,
      })),
    },
    one('gauge', 'process_resident_memory_bytes', 'memory of the supervisor', own.residentBytes),
    one('counter', 'process_cpu_seconds_total', 'CPU time of the supervisor', own.cpuSeconds),
  ];
}

export function families(input: FamiliesInput): Family[] {
  return [
    ...treeFamilies(input),
    ...rolloutFamilies(input),
    ...processFamilies(input),
    ...instanceFamilies(input),
  ];
}
