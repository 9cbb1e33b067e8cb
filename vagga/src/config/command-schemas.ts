// Commands of the project, and the children of supervised ones.
import { s } from '@suite/shared/schema/index.ts';
import { atTag } from './at-tag.ts';
import { idRanges, volumesField } from './container-schema.ts';
import { KILL_UNRESPONSIVE_AFTER_S, RESTART_BACKOFF_MAX_S } from './defaults.ts';
import { described } from './described.ts';
import { readySchema } from './ready-schema.ts';
import { runSchema } from './run-schema.ts';
import { id, list, text, textMap } from './steps/common.ts';

const COMMON = {
  description: s.optional(text, 'shown in the listing and in the help'),
  banner: s.optional(text, 'printed when the command has started'),
  'banner-delay': s.optional(s.int({ min: 0 }), 'seconds from the start to the banner'),
  epilog: s.optional(text, 'printed when the command has succeeded'),
  prerequisites: list('commands that run before'),
  aliases: list('further names'),
  group: s.optional(text, 'title in the listing'),
  'expect-inotify-limit': s.optional(
    s.int({ min: 0, plain: true }),
    'watches that the command needs; a warning is given when the system allows fewer',
  ),
  'symlink-name': s.optional(text, 'name under which `_update_symlinks` makes the command callable'),
  'isolate-network': s.withDefault(s.bool(), false, 'the command sees a loopback network only'),
  tags: list('for `--only` and `--exclude` of supervised children'),
  'pass-tcp-socket': s.optional(text, 'PORT, HOST:PORT or *:PORT; the listening socket is descriptor 3'),
};

const options = s.optional(text, 'description of the arguments in the style of docopt');

const RUNNING = {
  run: s.required(runSchema, 'shell script, or a program and its arguments'),
  'work-dir': s.optional(text, 'relative to /work; where vagga was started when none is given'),
  'accepts-arguments': s.optional(s.bool(), 'false for a script, true for a program'),
  environ: s.withDefault(textMap, {}, 'variables'),
};

const signals = ['HUP', 'INT', 'QUIT', 'KILL', 'USR1', 'USR2', 'TERM', 'WINCH', 'PWR'];
const stopSignal = s.choice([...signals, ...signals.map(name => `SIG${name}`)]);

const watchSchema = s.struct(
  {
    path: s.required(s.path('relative'), 'file or directory of the project'),
    ignore: list('patterns of paths whose changes do not count'),
    action: s.withDefault(s.choice(['restart', 'sync']), 'restart', 'what a change leads to'),
    target: s.optional(s.path('absolute'), 'where `sync` copies the change to'),
  },
  { shorthand: 'path' },
);

/** Keys of our own: how long a process lives and how much it may use. */
const LIFE = {
  ready: s.optional(readySchema, 'when others may count on the process'),
  restart: s.withDefault(s.choice(['never', 'on-failure', 'always']), 'never', 'what follows its end'),
  'restart-backoff-max': s.withDefault(
    s.int({ min: 0 }),
    RESTART_BACKOFF_MAX_S,
    'longest wait between two starts, in seconds',
  ),
  'max-restarts': s.withDefault(s.int({ min: 0 }), 0, '0: no limit'),
  'stop-signal': s.withDefault(stopSignal, 'TERM', 'asks the process to end'),
  'memory-limit': s.optional(s.int({ min: 1 }), 'in bytes; suffixes as 512Mi'),
  'cpu-quota': s.optional(s.int({ min: 1 }), 'percent of one processor'),
  'pids-limit': s.optional(s.int({ min: 1 }), 'processes and threads'),
  'env-files': s.withDefault(s.list(s.path('relative')), [], 'files of the project with lines NAME=VALUE'),
  watch: s.withDefault(s.list(watchSchema), [], 'files whose changes restart the process or are copied'),
};

const IN_CONTAINER = {
  ...COMMON,
  container: s.required(text, 'that the process runs in'),
  ...RUNNING,
  volumes: volumesField,
  'write-mode': s.withDefault(
    s.choice(['read-only', 'transient-hard-link-copy']),
    'read-only',
    'whether the process may write to a copy of the image',
  ),
  pid1mode: s.withDefault(
    s.choice(['wait', 'wait-all-children', 'exec']),
    'wait',
    'what the first process of the container does',
  ),
  'user-id': s.withDefault(id, 0, 'inside the container'),
  'group-id': s.withDefault(id, 0, 'inside the container'),
  'external-user-id': s.optional(id, 'owner of the files that the process makes'),
  'supplementary-gids': s.withDefault(s.list(id), [], 'further groups'),
  ...LIFE,
};

const after = { after: list('children that must be ready before this one starts') };

const networkSchema = s.struct({
  ip: s.optional(text, 'address in the test network'),
  hostname: s.optional(text, 'the name of the child when none is given'),
  ports: s.withDefault(s.map(s.int({ min: 1, max: 65_535 })), {}, 'ports of the host, and the child’s ports'),
});

const children = {
  Command: s.struct({
    ...IN_CONTAINER,
    network: s.optional(networkSchema, 'place in the test network'),
    ...after,
  }),
  BridgeCommand: s.struct({ ...IN_CONTAINER, ...after }),
};

export const CHILDREN = described(children, {
  Command: 'A process in a container.',
  BridgeCommand: 'A process in a container that is in the middle of the test network.',
});

const childSchema = s.tagged(CHILDREN);

const commands = {
  Command: s.struct({ ...IN_CONTAINER, options }),
  Supervise: s.struct({
    ...COMMON,
    options,
    mode: s.withDefault(
      s.choice(['stop-on-failure', 'wait-all-successful']),
      'stop-on-failure',
      'what ends the whole',
    ),
    children: s.withDefault(s.map(atTag(childSchema)), {}, 'processes, by name'),
    'kill-unresponsive-after': s.withDefault(
      s.int({ min: 1, max: 86_400 }),
      KILL_UNRESPONSIVE_AFTER_S,
      'seconds between asking and killing',
    ),
  }),
  CapsuleCommand: s.struct({ ...COMMON, ...RUNNING, options, uids: idRanges, gids: idRanges }),
};

export const COMMANDS = described(commands, {
  Command: 'A program in a container.',
  Supervise: 'Several processes together.',
  CapsuleCommand: 'A program outside of any container, that can build some.',
});

export const commandSchema = s.tagged(COMMANDS);
