// Every key of the four files: its default, what it becomes, and what it refuses.
import type { Schema } from '@suite/shared/schema/index.ts';
import t from 'tap';
import { containerSchema } from '../../src/config/container.ts';
import { masterSchema } from '../../src/config/master.ts';
import { sandboxSchema } from '../../src/config/sandbox.ts';
import { instanceOf } from '../../src/core/desired/instances.ts';
import type { DesiredInstance } from '../../src/core/desired/types.ts';
import { check, errors, type Files, processesSchema, value } from '../configs.ts';

type Values = Readonly<Record<string, unknown>>;

/** `key: text` → property: value; `refused`: texts that are errors. */
interface KeyCase {
  readonly title: string;
  readonly key: string;
  readonly initial: unknown;
  readonly good: readonly (readonly [text: string, wanted: unknown])[];
  readonly refused: readonly string[];
}

function camel(key: string): string {
  return key.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());
}

function play(schema: Schema<unknown>, before: string, cases: readonly KeyCase[]): void {
  for (const { title, key, initial, good, refused } of cases) {
    t.test(title, async t => {
      const read = (text: string) => (value(schema, before + text) as Values)[camel(key)];
      t.same(read(''), initial, 'default');
      for (const [text, wanted] of good) t.same(read(`${key}: ${text}`), wanted, text);
      for (const text of refused) t.ok(errors(schema, `${before}${key}: ${text}`).length > 0, `not ${text}`);
    });
  }
}

const paths = (initial: string | null): Pick<KeyCase, 'initial' | 'good' | 'refused'> => ({
  initial,
  good: [
    ['/abs', '/abs'],
    ['rel/x', 'rel/x'],
  ],
  refused: ['[]', '""', '"a\\0b"', ...(initial === null ? [] : ['null'])],
});

play(masterSchema, '', [
  { title: '§2.1 sandboxes-dir: a path, ./sandboxes', key: 'sandboxes-dir', ...paths('./sandboxes') },
  { title: '§2.1 processes-dir: a path, ./processes', key: 'processes-dir', ...paths('./processes') },
  {
    title: '§2.1 runtime-dir: absolute, /run/lithos',
    key: 'runtime-dir',
    initial: '/run/lithos',
    good: [['/x', '/x']],
    refused: ['run', 'null'],
  },
  { title: '§2.1 state-dir: a path, state', key: 'state-dir', ...paths('state') },
  { title: '§2.1 default-log-dir: a path', key: 'default-log-dir', ...paths('/var/log/lithos') },
  {
    title: '§2.1 config-log-dir: a path or null',
    key: 'config-log-dir',
    initial: '/var/log/lithos/config',
    good: [
      ['/x', '/x'],
      ['null', null],
      ['', null],
    ],
    refused: ['[]'],
  },
  { title: '§2.1 stdio-log-dir: a path', key: 'stdio-log-dir', ...paths('/var/log/lithos/stderr') },
  { title: '§2.1 log-file: a path, master.log', key: 'log-file', ...paths('master.log') },
  {
    title: '§2.1 log-level: one of five words',
    key: 'log-level',
    initial: 'warn',
    good: [
      ['error', 'error'],
      ['trace', 'trace'],
    ],
    refused: ['loud', 'null'],
  },
  {
    title: '§2.1 cgroup-name: a name, nested or not, or null',
    key: 'cgroup-name',
    initial: 'lithos.slice',
    good: [
      ['null', null],
      ['a/b.slice', 'a/b.slice'],
    ],
    refused: ['a/../b', '/a', '..', 'a b', '""'],
  },
  {
    title: '§2.1 cgroup-controllers: known names; empty for all',
    key: 'cgroup-controllers',
    initial: [],
    good: [
      ['[]', []],
      ['[name, cpu, memory]', ['name', 'cpu', 'memory']],
    ],
    refused: ['[memry]', 'memory'],
  },
  {
    title: '§2.1 syslog-facility: a word or null',
    key: 'syslog-facility',
    initial: null,
    good: [
      ['local0', 'local0'],
      ['null', null],
    ],
    refused: ['[]'],
  },
  {
    title: '§2.1 syslog-app-name: a text, lithos',
    key: 'syslog-app-name',
    initial: 'lithos',
    good: [['demo', 'demo']],
    refused: ['""', 'null'],
  },
  {
    title: '§2.1 stdio-log-size: bytes, 10 MiB',
    key: 'stdio-log-size',
    initial: 10_485_760,
    good: [['64ki', 65_536]],
    refused: ['0', '4095', '-1', 'big'],
  },
  {
    title: '§2.1 stdio-log-files: 1 to 100, 5',
    key: 'stdio-log-files',
    initial: 5,
    good: [['1', 1]],
    refused: ['0', '101'],
  },
  {
    title: '§2.1 cgroup-favordynmods: true or false, true',
    key: 'cgroup-favordynmods',
    initial: true,
    good: [['false', false]],
    refused: ['1', 'quick'],
  },
  {
    title: '§2.1 shutdown-timeout: seconds, 60',
    key: 'shutdown-timeout',
    initial: 60,
    good: [['0', 0]],
    refused: ['-1', '86401'],
  },
]);

const map = { inside: 0, outside: 100_000, count: 65_536 };
const badMaps = [
  '[{inside: 0, outside: 1}]',
  '[{inside: 0, outside: 1, count: 0}]',
  '[{inside: 0, outside: 4294967294, count: 2}]',
  '{}',
];
const ranges: Pick<KeyCase, 'initial' | 'good' | 'refused'> = {
  initial: [],
  good: [['[5, 10-20]', ['5', '10-20']]],
  refused: ['[9-1]', '[1 - 5]', '[a]', '[-1]', '5', '[4294967295]'],
};

play(sandboxSchema, '', [
  { title: '§2.2 config-file: a path or null', key: 'config-file', ...paths(null) },
  {
    title: '§2.2 image-dir: absolute',
    key: 'image-dir',
    initial: '/var/lib/lithos/containers',
    good: [['/i', '/i']],
    refused: ['i'],
  },
  {
    title: '§2.2 image-dir-levels: 1 to 16',
    key: 'image-dir-levels',
    initial: 1,
    good: [['16', 16]],
    refused: ['0', '17', 'x'],
  },
  { title: '§2.2 used-images-list: a path or null', key: 'used-images-list', ...paths(null) },
  {
    title: '§2.2 auto-clean: true unless said',
    key: 'auto-clean',
    initial: true,
    good: [['false', false]],
    refused: ['no'],
  },
  {
    title: '§2.2 readonly-paths: a mapping of absolute paths',
    key: 'readonly-paths',
    initial: {},
    good: [['{/a: /b}', { '/a': '/b' }]],
    refused: ['{/a: b}', '[]'],
  },
  {
    title: '§2.2 writable-paths: a mapping of absolute paths',
    key: 'writable-paths',
    initial: {},
    good: [['{/a: /b}', { '/a': '/b' }]],
    refused: ['{/a: b}'],
  },
  { title: '§2.2 allow-users: ranges of ids', key: 'allow-users', ...ranges },
  { title: '§2.2 allow-groups: ranges of ids', key: 'allow-groups', ...ranges },
  {
    title: '§2.2 allow-tcp-ports: ranges of ports',
    key: 'allow-tcp-ports',
    ...ranges,
    refused: ['[9-1]', '[65536]', '[1 - 5]'],
  },
  {
    title: '§2.2 default-user: an id or null',
    key: 'default-user',
    initial: null,
    good: [['5', 5]],
    refused: ['4294967295', '-1', 'root'],
  },
  {
    title: '§2.2 default-group: an id, 0',
    key: 'default-group',
    initial: 0,
    good: [['5', 5]],
    refused: ['null', 'x'],
  },
  {
    title: '§2.2 additional-hosts: names and addresses',
    key: 'additional-hosts',
    initial: {},
    good: [['{db: 10.0.0.1, v6: "::1"}', { db: '10.0.0.1', v6: '::1' }]],
    refused: ['{db: 10.0.0}', '{db: 10.0.0.256}', '{db: 01.0.0.1}', '{db: "1::2::3"}', '[]'],
  },
  {
    title: '§2.2 uid-map: entries with inside, outside and count',
    key: 'uid-map',
    initial: [],
    good: [['[{inside: 0, outside: 100_000, count: 64ki}]', [map]]],
    refused: badMaps,
  },
  {
    title: '§2.2 gid-map: entries with inside, outside and count',
    key: 'gid-map',
    initial: [],
    good: [['[{inside: 0, outside: 100_000, count: 64ki}]', [map]]],
    refused: badMaps,
  },
  {
    title: '§2.2 bridged-network: bridge and network, gateway and command',
    key: 'bridged-network',
    initial: null,
    good: [
      [
        '{bridge: br0, network: 10.0.0.0/24}',
        { bridge: 'br0', network: '10.0.0.0/24', defaultGateway: null, afterSetupCommand: [] },
      ],
      [
        '{bridge: br0, network: "fd00::/64", default-gateway: "fd00::1", after-setup-command: [/bin/x, a]}',
        {
          bridge: 'br0',
          network: 'fd00::/64',
          defaultGateway: 'fd00::1',
          afterSetupCommand: ['/bin/x', 'a'],
        },
      ],
    ],
    refused: [
      '{bridge: br0}',
      '{network: 10.0.0.0/24}',
      '{bridge: br0, network: 10.0.0.0}',
      '{bridge: br0, network: 10.0.0.0/33}',
      '{bridge: a/b, network: 10.0.0.0/24}',
      '{bridge: sixteen-letters-, network: 10.0.0.0/24}',
      '{bridge: br0, network: 10.0.0.0/24, default-gateway: here}',
    ],
  },
  {
    title: '§2.2 secrets-private-key: absolute or null',
    key: 'secrets-private-key',
    initial: null,
    good: [['/k', '/k']],
    refused: ['k'],
  },
  {
    title: '§2.2 secrets-namespaces: names without colons',
    key: 'secrets-namespaces',
    initial: [],
    good: [['["", a.b-c_d]', ['', 'a.b-c_d']]],
    refused: ['[a:b]', '["a b"]'],
  },
  {
    title: '§2.2 share-namespaces: pid',
    key: 'share-namespaces',
    initial: [],
    good: [['[pid]', ['pid']]],
    refused: ['[net]'],
  },
  {
    title: '§2.2 allow-devices: absolute paths',
    key: 'allow-devices',
    initial: [],
    good: [['[/dev/fuse]', ['/dev/fuse']]],
    refused: ['[fuse]'],
  },
  {
    title: '§2.2 rolling-update: null, or with defaults',
    key: 'rolling-update',
    initial: null,
    good: [['{}', { maxUnavailable: 1, timeout: 60, rollBack: true }]],
    refused: ['{max-unavailable: 0}', '{timeout: 0}', '{roll-back: 1}', '3'],
  },
]);

play(processesSchema, 'w:\n image: a\n config: /c\n', []);

interface EffectCase {
  readonly title: string;
  readonly files: Files;
  readonly wanted: Partial<DesiredInstance>;
}

const DEFAULTS: Partial<DesiredInstance> = {
  name: 'box/web.0',
  identity: '{"instances":1,"image":"app.1","config":"/config/web.yaml","kind":"Daemon"}',
  imageRoot: '/images/app.1',
  command: ['/bin/app'],
  environ: { LITHOS_NAME: 'box/web.0', LITHOS_CONFIG: '/config/web.yaml' },
  workdir: '/',
  userId: 1000,
  groupId: 0,
  additionalGroups: [],
  uidMap: [],
  gidMap: [],
  memoryLimitBytes: null,
  swapLimitBytes: 0,
  cpuShares: 1024,
  cpuQuotaPercent: null,
  pidsLimit: 4096,
  ioWeight: null,
  ioLimits: [],
  fileLimit: 1024,
  rlimits: {},
  seccomp: 'default',
  newPrivileges: false,
  devices: [],
  restart: { timeoutMs: 1000, backoffMaxMs: 60_000, healthyAfterMs: 10_000, maxFailures: null },
  stop: { signal: 'SIGTERM', timeoutMs: 5000, hook: [] },
  processOnly: false,
  readiness: null,
  startTimeoutMs: 60_000,
  liveness: null,
  watchdogMs: null,
  after: [],
  normalExitCodes: [],
  stdio: { kind: 'log' },
  sockets: [],
  network: { kind: 'host' },
  secrets: null,
  volumes: [],
  sharePid: false,
  needsPid: false,
  capabilities: [],
};

const socket = {
  kind: 'tcp',
  fd: 3,
  host: '0.0.0.0',
  port: 80,
  backlog: 128,
  reuseAddress: true,
  reusePort: false,
  nonBlocking: false,
  place: 'host',
} as const;
const probeTimes = { initialDelayMs: 0, timeoutMs: 3000, successThreshold: 1, failureThreshold: 3 };
const bridge =
  'bridged-network: {bridge: br0, network: 10.0.0.0/24, default-gateway: 10.0.0.1, after-setup-command: ["/bin/@{x}", "@{container_ip}", "a@{x}b"]}\n';
const secret = `v2:${'A'.repeat(8)}:${'B'.repeat(8)}:${'C'.repeat(8)}:DDDD`;
const process = (more: string) => `web: {image: app.1, config: /config/web.yaml, ${more}}`;

const EFFECTS: readonly EffectCase[] = [
  { title: 'without any key', files: {}, wanted: DEFAULTS },
  {
    title: '§2.3 image: below image-dir, as many components as it has levels',
    files: { sandbox: 'image-dir-levels: 2', process: 'web: {image: a/b, config: /config/web.yaml}' },
    wanted: { imageRoot: '/images/a/b' },
  },
  {
    title: '§2.3 variables: extra ones are part of the identity only',
    files: { process: process('variables: {x: "1"}') },
    wanted: {
      identity:
        '{"instances":1,"image":"app.1","config":"/config/web.yaml","variables":{"x":"1"},"kind":"Daemon"}',
    },
  },
  {
    title: '§2.4 executable: argv[0], then arguments',
    files: { container: 'arguments: [-a, "b c"]' },
    wanted: { command: ['/bin/app', '-a', 'b c'] },
  },
  {
    title: '§2.4 arguments: variables are expanded',
    files: {
      container: 'arguments: ["@{lithos:name} @{v}"]\nvariables: {v: !Name }',
      process: process('variables: {v: q}'),
    },
    wanted: { command: ['/bin/app', 'box/web.0 q'] },
  },
  {
    title: '§2.4 environ: variables in values; §2.5 lithos-pid as a whole value',
    files: { container: 'environ: {A: "@{lithos:config_filename}", B: "@{lithos:pid}"}' },
    wanted: {
      environ: { A: '/config/web.yaml', B: '2', LITHOS_NAME: 'box/web.0', LITHOS_CONFIG: '/config/web.yaml' },
      needsPid: true,
    },
  },
  {
    title: '§2.4 secret-environ: one or several values, the sandbox has key and namespaces',
    files: {
      sandbox: 'secrets-private-key: /k\nsecrets-namespaces: [a]',
      container: `secret-environ: {P: "${secret}", Q: ["${secret}", "${secret}"]}`,
      process: process('extra-secrets-namespaces: [a, b]'),
    },
    wanted: {
      secrets: {
        environ: { P: [secret], Q: [secret, secret] },
        file: null,
        keyFile: '/k',
        namespaces: ['a', 'b'],
      },
    },
  },
  {
    title:
      '§2.4 secret-environ-file: relative to the container config; §2.3 extra-secrets-namespaces beside the unnamed one',
    files: {
      sandbox: 'secrets-private-key: /k',
      container: 'secret-environ-file: s/all.yaml',
      process: process('extra-secrets-namespaces: [b]'),
    },
    wanted: { secrets: { environ: {}, file: '/config/s/all.yaml', keyFile: '/k', namespaces: ['', 'b'] } },
  },
  { title: '§2.4 workdir', files: { container: 'workdir: /srv' }, wanted: { workdir: '/srv' } },
  {
    title: '§2.4 user-id wins over default-user',
    files: { container: 'user-id: 0x3EA' },
    wanted: { userId: 1002 },
  },
  {
    title: '§2.4 group-id wins over default-group',
    files: { container: 'group-id: 1500' },
    wanted: { groupId: 1500 },
  },
  {
    title: '§2.4 memory-limit',
    files: { container: 'memory-limit: 64Mi' },
    wanted: { memoryLimitBytes: 67_108_864 },
  },
  { title: '§2.4 cpu-shares', files: { container: 'cpu-shares: 2k' }, wanted: { cpuShares: 2000 } },
  { title: '§2.4 fileno-limit', files: { container: 'fileno-limit: 99' }, wanted: { fileLimit: 99 } },
  {
    title: '§2.4 restart-timeout',
    files: { container: 'restart-timeout: 0' },
    wanted: { restart: { timeoutMs: 0, backoffMaxMs: 60_000, healthyAfterMs: 10_000, maxFailures: null } },
  },
  {
    title: '§2.4 kill-timeout',
    files: { container: 'kill-timeout: 9' },
    wanted: { stop: { signal: 'SIGTERM', timeoutMs: 9000, hook: [] } },
  },
  {
    title: '§2.4 restart-process-only',
    files: { container: 'restart-process-only: true' },
    wanted: { processOnly: true },
  },
  {
    title: '§2.4 restart-process-only: never for CommandOrDaemon, for which 0 is normal too',
    files: { container: 'restart-process-only: true\nkind: CommandOrDaemon' },
    wanted: { processOnly: false, normalExitCodes: [0] },
  },
  {
    title: '§2.4 interactive wins over stdout-stderr-file',
    files: {
      sandbox: 'writable-paths: {/d: /srv}',
      container: 'interactive: true\nstdout-stderr-file: /d/log\nvolumes: {/d: !Statedir }',
    },
    wanted: { stdio: { kind: 'inherit' } },
  },
  {
    title: '§2.4 stdout-stderr-file in a volume that lasts',
    files: { container: 'stdout-stderr-file: /d/log\nvolumes: {/d: !Statedir }' },
    wanted: { stdio: { kind: 'file', path: '/d/log' } },
  },
  {
    title: '§2.4 normal-exit-codes',
    files: { container: 'normal-exit-codes: [0, 255]\nkind: CommandOrDaemon' },
    wanted: { normalExitCodes: [0, 255] },
  },
  {
    title: '§2.4 volumes: §4.3 volume-order, shorter mount points first',
    files: {
      sandbox: 'readonly-paths: {/r: /host/r}\nwritable-paths: {/w: /host/w}',
      container:
        'volumes: {/long: !Tmpfs {size: 1k, mode: 0o1777}, /b: !Readonly /r/x, /a: !Persistent {path: /w/y, mkdir: true, user: 5, group: 6}, /c: !Readonly /w, /d: !Statedir {path: /q, mode: 0o700}}',
    },
    wanted: {
      volumes: [
        {
          kind: 'persistent',
          target: '/a',
          source: '/host/w/y',
          root: '/host/w',
          create: true,
          mode: 0o777,
          user: 5,
          group: 6,
        },
        { kind: 'readonly', target: '/b', source: '/host/r/x', root: '/host/r' },
        { kind: 'readonly', target: '/c', source: '/host/w', root: '/host/w' },
        { kind: 'statedir', target: '/d', path: 'q', mode: 0o700, user: 0, group: 0 },
        { kind: 'tmpfs', target: '/long', sizeBytes: 1000, mode: 0o1777 },
      ],
    },
  },
  {
    title: '§2.4 tcp-ports: defaults and every option',
    files: {
      sandbox: 'allow-tcp-ports: [80-90]',
      container:
        'tcp-ports: {81: {fd: 4, host: "::1", listen-backlog: 5, reuse-addr: false, reuse-port: true, set-non-block: true, external: true}, 80: {fd: 3}}',
    },
    wanted: {
      sockets: [
        socket,
        {
          ...socket,
          fd: 4,
          host: '::1',
          port: 81,
          backlog: 5,
          reuseAddress: false,
          reusePort: true,
          nonBlocking: true,
        },
      ],
    },
  },
  {
    title: '§2.5 port-keys: a key of tcp-ports may be a variable',
    files: {
      sandbox: 'allow-tcp-ports: [80]',
      container: 'tcp-ports: {"@{ p }": {fd: 3}}\nvariables: {p: !TcpPort }',
      process: process('variables: {p: "80"}'),
    },
    wanted: { sockets: [socket] },
  },
  {
    title:
      '§2.5 activation and §2.5 activation-none: fds by name of the variable, in place of an entry of tcp-ports, with LISTEN_*',
    files: {
      sandbox: 'allow-tcp-ports: [80-90]',
      container:
        'variables: {b: !TcpPort {activation: systemd}, a: !TcpPort {activation: systemd}, c: !TcpPort {activation: none}}\ntcp-ports: {81: {fd: 9, listen-backlog: 7}, 90: {fd: 5}}',
      process: process('variables: {a: "80", b: "81", c: "82"}'),
    },
    wanted: {
      sockets: [socket, { ...socket, fd: 4, port: 81 }, { ...socket, fd: 5, port: 90 }],
      environ: {
        LISTEN_FDS: '2',
        LISTEN_FDNAMES: 'a:b',
        LISTEN_PID: '2',
        LITHOS_NAME: 'box/web.0',
        LITHOS_CONFIG: '/config/web.yaml',
      },
      needsPid: true,
    },
  },
  {
    title: '§5 inner-ports: of a bridged container inside, external ones on the host',
    files: {
      sandbox: `${bridge}allow-tcp-ports: [81]`,
      container: 'tcp-ports: {80: {fd: 3}, 81: {fd: 4, external: true}}',
      process: process('ip-addresses: [10.0.0.9, 10.0.0.8]'),
    },
    wanted: {
      sockets: [
        { ...socket, place: 'inside' },
        { ...socket, fd: 4, port: 81 },
      ],
      capabilities: ['CAP_NET_BIND_SERVICE'],
      network: {
        kind: 'bridged',
        bridge: 'br0',
        prefixLength: 24,
        address: '10.0.0.9',
        gateway: '10.0.0.1',
        afterSetup: ['/bin/@{x}', '10.0.0.9', 'ab'],
      },
    },
  },
  {
    title: '§2.2 uid-map: the sandbox decides; §4.3 volume-owners are translated through it',
    files: {
      sandbox:
        'uid-map: [{inside: 0, outside: 5000, count: 2000}]\ngid-map: [{inside: 0, outside: 7000, count: 10}]\nwritable-paths: {/w: /w}',
      container: 'volumes: {/a: !Persistent {path: /w, mkdir: true, user: 1999, group: 9}}',
    },
    wanted: {
      uidMap: [{ inside: 0, outside: 5000, count: 2000 }],
      gidMap: [{ inside: 0, outside: 7000, count: 10 }],
      volumes: [
        {
          kind: 'persistent',
          target: '/a',
          source: '/w',
          root: '/w',
          create: true,
          mode: 0o777,
          user: 6999,
          group: 7009,
        },
      ],
    },
  },
  {
    title: '§2.4 container-maps: its own pair; the user-id is then one inside',
    files: {
      container:
        'uid-map: [{inside: 0, outside: 1000, count: 10}]\ngid-map: [{inside: 0, outside: 1000, count: 1}]\nuser-id: 7\nvolumes: {/s: !Statedir {path: /x, user: 9}}',
    },
    wanted: {
      userId: 7,
      uidMap: [{ inside: 0, outside: 1000, count: 10 }],
      volumes: [{ kind: 'statedir', target: '/s', path: 'x', mode: 0o777, user: 1009, group: 1000 }],
    },
  },
  {
    title: '§2.4 container-resolv-conf: of the sandbox, or nothing; §2.2 resolv-conf',
    files: {
      sandbox: 'resolv-conf: /r\nhosts-file: /h',
      container: 'resolv-conf: {mount: false, copy-from-host: false}',
    },
    wanted: {
      etc: {
        resolvConf: { mount: false, copyFrom: null },
        hosts: { mount: null, copyFrom: '/h', localhost: false, publicHostname: false, additional: {} },
      },
    },
  },
  {
    title: '§2.4 container-hosts-file: the two lines follow copy-from-host; §2.2 sandbox-hosts-file',
    files: {
      sandbox: 'additional-hosts: {a: 1.2.3.4}',
      container: 'hosts-file: {copy-from-host: false, localhost: false}',
    },
    wanted: {
      etc: {
        resolvConf: { mount: null, copyFrom: '/etc/resolv.conf' },
        hosts: {
          mount: null,
          copyFrom: null,
          localhost: false,
          publicHostname: true,
          additional: { a: '1.2.3.4' },
        },
      },
    },
  },
  {
    title: '§2.4 metadata: anything, without effect',
    files: { container: 'metadata: [1, {a: !X b}]' },
    wanted: DEFAULTS,
  },
  {
    title: '§2.4 capabilities: as the runtime writes them',
    files: { sandbox: 'allow-capabilities: [KILL, CAP_CHOWN]', container: 'capabilities: [CAP_KILL, CHOWN]' },
    wanted: { capabilities: ['CAP_KILL', 'CAP_CHOWN'] },
  },
  {
    title: '§2.4 additional-groups',
    files: { container: 'additional-groups: [1001, 1002]' },
    wanted: { additionalGroups: [1001, 1002] },
  },
  {
    title: '§2.4 swap-limit',
    files: { container: 'swap-limit: 1Mi' },
    wanted: { swapLimitBytes: 1_048_576 },
  },
  { title: '§2.4 cpu-quota', files: { container: 'cpu-quota: 150' }, wanted: { cpuQuotaPercent: 150 } },
  { title: '§2.4 pids-limit', files: { container: 'pids-limit: 7' }, wanted: { pidsLimit: 7 } },
  { title: '§2.4 io-weight', files: { container: 'io-weight: 10' }, wanted: { ioWeight: 10 } },
  {
    title: '§2.4 io-limits',
    files: { container: 'io-limits: {/dev/vda: {read-bytes: 1Mi, write-ops: 50}}' },
    wanted: {
      ioLimits: [
        {
          device: '/dev/vda',
          readBytesPerS: 1_048_576,
          writeBytesPerS: null,
          readOpsPerS: null,
          writeOpsPerS: 50,
        },
      ],
    },
  },
  {
    title: '§2.4 rlimits',
    files: { container: 'rlimits: {core: 0, nproc: 5}' },
    wanted: { rlimits: { core: 0, nproc: 5 } },
  },
  {
    title: '§2.4 seccomp and §2.2 allow-unconfined-seccomp',
    files: { sandbox: 'allow-unconfined-seccomp: true', container: 'seccomp: unconfined' },
    wanted: { seccomp: 'unconfined' },
  },
  {
    title: '§2.4 new-privileges and §2.2 allow-new-privileges',
    files: { sandbox: 'allow-new-privileges: true', container: 'new-privileges: true' },
    wanted: { newPrivileges: true },
  },
  {
    title: '§2.4 devices',
    files: { sandbox: 'allow-devices: [/dev/fuse]', container: 'devices: [/dev/fuse]' },
    wanted: { devices: ['/dev/fuse'] },
  },
  {
    title: '§2.4 restart-backoff-max, §2.4 healthy-after and §2.4 max-failures',
    files: { container: 'restart-backoff-max: 5\nhealthy-after: 6\nmax-failures: 7' },
    wanted: { restart: { timeoutMs: 1000, backoffMaxMs: 5000, healthyAfterMs: 6000, maxFailures: 7 } },
  },
  { title: '§2.4 start-timeout', files: { container: 'start-timeout: 5' }, wanted: { startTimeoutMs: 5000 } },
  {
    title: '§2.4 stop-signal and §2.4 pre-stop',
    files: { container: 'stop-signal: INT\npre-stop: [/bin/x, "@{lithos:name}"]' },
    wanted: { stop: { signal: 'SIGINT', timeoutMs: 5000, hook: ['/bin/x', 'box/web.0'] } },
  },
  {
    title: '§2.4 after',
    files: {
      process: `${process('')}\ndb: {image: app.1, config: /config/db.yaml}`,
      container: 'after: [db]',
      containers: { '/config/db.yaml': '' },
    },
    wanted: { after: ['db'] },
  },
  {
    title: '§2.4 readiness: notify',
    files: { container: 'readiness: !Notify' },
    wanted: { readiness: { kind: 'notify' } },
  },
  {
    title: '§2.4 readiness: TCP, with a variable as port',
    files: {
      sandbox: 'allow-tcp-ports: [80]',
      container: 'readiness: !Tcp {port: "@{p}", interval: 2}\nvariables: {p: !TcpPort }',
      process: process('variables: {p: "80"}'),
    },
    wanted: {
      readiness: {
        kind: 'probe',
        probe: { test: { kind: 'tcp', port: 80 }, ...probeTimes, intervalMs: 2000 },
      },
    },
  },
  {
    title: '§2.4 liveness: HTTP',
    files: {
      container:
        'liveness: !Http {port: 80, path: /ok, host: x, initial-delay: 1, timeout: 2, success-threshold: 3, failure-threshold: 4}',
    },
    wanted: {
      liveness: {
        test: { kind: 'http', port: 80, path: '/ok', host: 'x' },
        initialDelayMs: 1000,
        intervalMs: 10_000,
        timeoutMs: 2000,
        successThreshold: 3,
        failureThreshold: 4,
      },
    },
  },
  {
    title: '§2.4 liveness: a command',
    files: { container: 'liveness: !Exec {command: [/bin/ok, "@{lithos:name}"]}' },
    wanted: {
      liveness: {
        test: { kind: 'exec', command: ['/bin/ok', 'box/web.0'] },
        ...probeTimes,
        intervalMs: 10_000,
      },
    },
  },
  { title: '§2.4 watchdog', files: { container: 'watchdog: 3' }, wanted: { watchdogMs: 3000 } },
  {
    title: '§2.4 unix-sockets: below writable-paths',
    files: {
      sandbox: 'writable-paths: {/run: /srv/run}',
      container: 'unix-sockets: {/run/a.sock: {fd: 3, mode: 0o600, listen-backlog: 9, set-non-block: true}}',
    },
    wanted: {
      sockets: [
        {
          kind: 'unix',
          fd: 3,
          path: '/srv/run/a.sock',
          root: '/srv/run',
          backlog: 9,
          mode: 0o600,
          nonBlocking: true,
        },
      ],
    },
  },
];

for (const { title, files, wanted } of EFFECTS) {
  t.test(title, async t => {
    const { desired, found } = check(files);
    t.same(
      found.filter(line => !line.startsWith('unknown-variable')),
      [],
      'no rule is broken',
    );
    const [first] = desired.instances;
    for (const [key, expected] of Object.entries(wanted))
      t.same(first?.[key as keyof DesiredInstance], expected, key);
  });
}

const REFUSED: Readonly<Record<string, readonly string[]>> = {
  '§2.4 executable: absolute': ['executable: app'],
  '§2.4 workdir: absolute': ['workdir: srv'],
  '§2.4 memory-limit: at least a byte': ['memory-limit: 0', 'memory-limit: lots'],
  '§2.4 cpu-shares: at least 2': ['cpu-shares: 1'],
  '§2.4 fileno-limit: at least 1': ['fileno-limit: 0'],
  '§2.4 restart-timeout: a day at most': [
    'restart-timeout: 86401',
    'restart-timeout: -1',
    'restart-timeout: 1.5',
  ],
  '§2.4 kill-timeout: a day at most': ['kill-timeout: 86401', 'kill-timeout: null'],
  '§2.4 normal-exit-codes: 0 to 255': ['normal-exit-codes: [256]', 'normal-exit-codes: [-1]'],
  '§2.4 tcp-ports: fd is required': [
    'tcp-ports: {80: {}}',
    'tcp-ports: {80: {fd: null}}',
    'tcp-ports: {80: }',
  ],
  '§2.4 reserved-fds: stdin, stdout and stderr': [0, 1, 2].map(fd => `tcp-ports: {80: {fd: ${fd}}}`),
  '§2.4 secret-environ: only what lithos_crypt makes': [
    'secret-environ: {A: plain}',
    'secret-environ: {A: []}',
  ],
  '§2.4 io-weight: 10 to 1000': ['io-weight: 9', 'io-weight: 1001'],
  '§2.4 io-limits: known keys': ['io-limits: {/dev/vda: {bytes: 1}}', 'io-limits: {/dev/vda: {read-ops: 0}}'],
  '§2.4 rlimits: known names': ['rlimits: {nofile: 5}', 'rlimits: {core: -1}'],
  '§2.4 seccomp: two words': ['seccomp: none'],
  '§2.4 stop-signal: ends a program': ['stop-signal: STOP', 'stop-signal: 15'],
  '§2.4 max-failures: from 0': ['max-failures: -1'],
  '§2.4 watchdog: at least a second': ['watchdog: 0'],
  '§2.4 readiness: known tests': [
    'readiness: !Ping',
    'readiness: true',
    'readiness: !Tcp',
    'readiness: !Exec {command: []}',
  ],
  '§2.4 liveness: no notify; nothing that breaks a request': [
    'liveness: !Notify',
    'liveness: !Http {port: 80, path: "/a b"}',
    'liveness: !Http {port: 80, host: "a\\r\\nb"}',
    'liveness: !Tcp {port: 80, interval: 0}',
  ],
  '§2.4 pids-limit: at least 1': ['pids-limit: 0'],
  '§2.4 cpu-quota: at least 1': ['cpu-quota: 0'],
  '§2.4 container-kind: three words': ['kind: Deamon'],
  '§2.4 volumes: modes to 0o1777, sizes from 1': [
    'volumes: {/x: !Tmpfs {mode: 0o4755}}',
    'volumes: {/x: !Tmpfs {size: 0}}',
    'volumes: {/x: !Persistent /db}',
    'volumes: {/x: !Readonly rel}',
  ],
};

for (const [title, texts] of Object.entries(REFUSED)) {
  t.test(title, async t => {
    for (const text of texts) {
      const before = text.startsWith('executable') ? '' : 'executable: /bin/x\n';
      t.match(errors(containerSchema, before + text)[0], /^\d+:\d+ /, text);
    }
  });
}

t.test('§2.3 process-kind: commands are no instances; §2.3 instances: as many as asked', async t => {
  const { desired } = check({
    process: `${process('instances: 3')}\nrun: {image: app.1, config: /config/run.yaml, kind: Command}\nnone: {image: app.1, config: /config/web.yaml, instances: 0}`,
    containers: { '/config/run.yaml': 'kind: Command' },
  });
  t.same(
    desired.instances.map(({ name, index }) => [name, index]),
    [
      ['box/web.0', 0],
      ['box/web.1', 1],
      ['box/web.2', 2],
    ],
  );
  for (const text of ['instances: -1', 'instances: 10001', 'kind: Both', 'config: c.yaml'])
    t.ok(errors(processesSchema, `w: {image: a, config: /c, ${text}}`).length > 0, text);
});

t.test(
  '§2.3 ip-addresses: instance i gets item i; too few are errors for the rest, surplus ones ignored',
  async t => {
    const sandbox = bridge;
    const two = check({
      sandbox,
      process: process('instances: 2, ip-addresses: [10.0.0.2, 10.0.0.3, 10.0.0.4]'),
    });
    t.same(
      two.found.filter(line => !/unknown-variable/.test(line)),
      [],
    );
    const address = (network: DesiredInstance['network']) =>
      network.kind === 'bridged' ? network.address : undefined;
    t.same(
      two.desired.instances.map(({ network }) => address(network)),
      ['10.0.0.2', '10.0.0.3'],
    );
    t.match(two.desired.instances[1]?.identity, /"ip_address":"10\.0\.0\.3","kind"/);
    const few = check({ process: process('instances: 3, ip-addresses: [10.0.0.2]') });
    t.match(few.found, [/^address-missing processes\.yaml:1 1 of 3 instances/], 'not only when bridged');
    t.equal(few.desired.instances.length, 1, 'the one with an address runs');
  },
);

t.test('§2.2 sandbox-log-file and §2.2 sandbox-log-level: NAME.log and that of the master file', async t => {
  t.same(check({}).desired.log, { file: 'box.log', level: null });
  t.same(check({ sandbox: 'log-file: x.log\nlog-level: debug' }).desired.log, {
    file: 'x.log',
    level: 'debug',
  });
});

t.test('§1.3 cmd-name: a command has the address of instance 0', async t => {
  const { sources } = check({
    sandbox: bridge,
    process: process('kind: Command, ip-addresses: [10.0.0.7, 10.0.0.8]'),
    container: 'kind: Command',
  });
  const [entry] = sources.entries;
  const container = entry?.container?.value;
  if (entry === undefined || container === undefined) throw new Error('there is no entry');
  const instance = instanceOf(sources, entry, container, 'box/cmd.web.99', 0);
  t.match(instance, { name: 'box/cmd.web.99', network: { kind: 'bridged', address: '10.0.0.7' } });
  t.equal(instance.environ.LITHOS_NAME, 'box/cmd.web.99');
});
