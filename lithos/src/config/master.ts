// The master config: where everything of this host lives. One file, may be empty, every key has a default.
import { type Infer, s } from '@suite/shared/schema/index.ts';
import { DEFAULTS, LIMITS } from './defaults.ts';

const LEVELS = ['error', 'warn', 'info', 'debug', 'trace'] as const;

export const logLevelSchema = s.choice([...LEVELS]);

/** Nested groups such as `demo/mars/lithos.slice` are fine, nothing that climbs out. */
const CGROUP_NAME = /^(?!\.\.?(\/|$))[\w.:@-]+(\/(?!\.\.?(\/|$))[\w.:@-]+)*$/;

const cgroupName = s.text({
  pattern: CGROUP_NAME,
  hint: 'a name such as lithos.slice or a/b.slice, without a leading slash',
});

/** cgroup v1 names; `name` is the hierarchy without a controller that systemd names. */
const controller = s.choice([
  'name',
  'cpu',
  'cpuacct',
  'cpuset',
  'memory',
  'blkio',
  'io',
  'devices',
  'freezer',
  'net_cls',
  'net_prio',
  'perf_event',
  'hugetlb',
  'pids',
  'rdma',
  'misc',
]);

const { withDefault, nullable } = s;

export const masterSchema = s.struct({
  'sandboxes-dir': withDefault(
    s.path('any'),
    DEFAULTS.sandboxesDir,
    'Relative to the directory of this file.',
  ),
  'processes-dir': withDefault(
    s.path('any'),
    DEFAULTS.processesDir,
    'Relative to the directory of this file.',
  ),
  'runtime-dir': withDefault(
    s.path('absolute'),
    DEFAULTS.runtimeDir,
    'State of the tree; should be a tmpfs.',
  ),
  'state-dir': withDefault(
    s.path('any'),
    DEFAULTS.stateDir,
    'Relative to `runtime-dir`; what containers may see of it.',
  ),
  'mount-dir': withDefault(
    s.path('any'),
    DEFAULTS.mountDir,
    'No effect: the OCI runtime needs no mount point of ours.',
  ),
  'devfs-dir': withDefault(s.path('any'), DEFAULTS.devfsDir, 'No effect: the OCI runtime makes /dev itself.'),
  'cgroup-name': withDefault(
    nullable(cgroupName),
    DEFAULTS.cgroupName,
    'May be nested: a/b.slice; from the root of the hierarchies. null: no cgroups, and so no limits.',
  ),
  'cgroup-controllers': withDefault(
    s.list(controller),
    [],
    'cgroup v1 controllers to use; empty: all of which something is set.',
  ),
  'cgroup-favordynmods': withDefault(
    s.bool(),
    DEFAULTS.cgroupFavordynmods,
    'Moves into cgroups do not wait for the kernel, so starts take 5–15 ms less; forks and exits of the host pass a slower lock.',
  ),
  'default-log-dir': withDefault(
    s.path('any'),
    DEFAULTS.defaultLogDir,
    'Logs of the tree and of the sandboxes.',
  ),
  'config-log-dir': withDefault(
    nullable(s.path('any')),
    DEFAULTS.configLogDir,
    'What was configured when, one file a sandbox; null: not kept.',
  ),
  'stdio-log-dir': withDefault(
    s.path('any'),
    DEFAULTS.stdioLogDir,
    'What programs write: `SANDBOX.PROCESS.N.log`, lines `TIME stdout F text`.',
  ),
  'log-file': withDefault(s.path('any'), DEFAULTS.logFile, 'Relative to `default-log-dir`; JSON lines.'),
  'log-level': withDefault(logLevelSchema, DEFAULTS.logLevel, 'error, warn, info, debug or trace.'),
  'syslog-facility': withDefault(
    nullable(s.text()),
    null,
    'Such as `daemon` or `local0`: syslog instead of the log files of the tree and the sandboxes.',
  ),
  'syslog-app-name': withDefault(s.text({ min: 1 }), DEFAULTS.syslogAppName, 'Name of the tree in syslog.'),
  // Ours from here on.
  'stdio-log-size': withDefault(
    s.int({ min: LIMITS.logFileMinBytes }),
    DEFAULTS.stdioLogBytes,
    'Bytes above which the log of an instance is rotated.',
  ),
  'stdio-log-files': withDefault(
    s.int({ min: 1, max: LIMITS.logFilesMax }),
    DEFAULTS.stdioLogFiles,
    'Files of one instance, the one being written included.',
  ),
  'shutdown-timeout': withDefault(
    s.int({ min: 0, max: LIMITS.timeoutMaxS }),
    DEFAULTS.shutdownTimeoutS,
    'Seconds for the orderly stop of everything; what lives then is killed.',
  ),
});

export type MasterKeys = Infer<typeof masterSchema>;

/** Keys that are understood and have no effect, with the reason a person gets as a warning. */
export const MASTER_WITHOUT_EFFECT: Readonly<Record<string, string>> = {
  'devfs-dir': 'the OCI runtime makes /dev itself',
  'mount-dir': 'the OCI runtime needs no mount point of ours',
};
