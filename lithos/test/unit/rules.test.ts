// The rules between the sandbox, the process entry and the container, one line each: what is written, what is said.
import t from 'tap';
import {
  addressSchema,
  isInside,
  networkSchema,
  parseAddress,
  parseNetwork,
} from '../../src/config/addresses.ts';
import { containerSchema } from '../../src/config/container.ts';
import { checkContainer } from '../../src/core/desired/checks/entry.ts';
import { checkHostWide } from '../../src/core/desired/checks/host.ts';
import { outsideId } from '../../src/core/desired/id-maps.ts';
import { check, errors, type Files, parse, value } from '../configs.ts';

interface Case extends Files {
  readonly says: readonly (string | RegExp)[];
}

const entry = (more: string) => `web: {image: app.1, config: /config/web.yaml, ${more}}`;
const bridge = 'bridged-network: {bridge: br0, network: 10.0.0.0/24}\n';
const addressed = entry('ip-addresses: [10.0.0.2]');
const map = (inside: number, outside: number, count: number) =>
  `[{inside: ${inside}, outside: ${outside}, count: ${count}}]`;
const activated = 'variables: {a: !TcpPort {activation: systemd}}\n';
const port80 = { sandbox: 'allow-tcp-ports: [80-90]', process: entry('variables: {a: "80"}') };
const secret = `v2:${'A'.repeat(8)}:${'B'.repeat(8)}:${'C'.repeat(8)}:DDDD`;

const RULES: Readonly<Record<string, readonly Case[]>> = {
  '§2.6 rule-2: a sandbox has to allow somebody': [
    {
      sandbox: 'allow_users: []',
      says: [/^nobody-allowed box\.yaml:\d+ `allow-users` is empty/, /^user-not-allowed/],
    },
    {
      sandbox: 'allow_groups: []',
      says: [/^nobody-allowed .*`allow-groups`/, /^group-not-allowed .*it allows none/],
    },
  ],
  '§2.6 rule-5: the id is allowed': [
    {
      container: 'user-id: 5',
      says: [/^user-not-allowed \/config\/web\.yaml:2 user 5 .*it allows 1000-1999/],
    },
    { container: 'group-id: 5', says: [/^group-not-allowed \/config\/web\.yaml:2 group 5/] },
    { sandbox: 'default_user: 7', says: [/^user-not-allowed \/config\/web\.yaml:1 user 7/] },
    { container: 'additional-groups: [1000, 6]', says: [/^group-not-allowed \/config\/web\.yaml:2 group 6/] },
  ],
  '§2.4 user-id: somebody has to name one': [
    { sandbox: 'default_user: null', says: [/^no-user \/config\/web\.yaml:1 /] },
  ],
  '§2.2 default-user and §2.2 default-group must be allowed': [
    { sandbox: 'default_user: 1', says: [/^user-not-allowed/] },
    { sandbox: 'default-group: 1', says: [/^group-not-allowed/] },
  ],
  '§2.6 rule-5: a map is in one place only': [
    {
      sandbox: `uid-map: ${map(1000, 1000, 10)}\ngid-map: ${map(0, 1000, 1)}`,
      container: `uid-map: ${map(1000, 1000, 10)}\ngid-map: ${map(0, 1000, 1)}`,
      says: [/^two-maps \/config\/web\.yaml:2 `uid-map`/, /^two-maps \/config\/web\.yaml:3 `gid-map`/],
    },
  ],
  '§2.6 rule-5: a map of the sandbox has the id, which is allowed too': [
    {
      sandbox: `uid-map: ${map(0, 1000, 1000)}\ngid-map: ${map(0, 1000, 1)}`,
      says: [/^not-mapped .* user 1000 is not in `uid-map` of sandbox box/],
    },
    {
      sandbox: `uid-map: ${map(1000, 1000, 1)}`,
      says: [/^not-mapped .* group 0 is not in `gid-map`/],
    },
  ],
  '§2.2 map-membership: ids end before inside + count': [
    {
      sandbox: `default_user: 1005\nuid-map: ${map(1000, 1000, 5)}\ngid-map: ${map(0, 0, 1)}`,
      says: [/^not-mapped .* user 1005/],
    },
  ],
  '§2.6 rule-5: a map of the container leads to allowed ids only': [
    {
      container: `user-id: 0\nuid-map: ${map(0, 1990, 11)}\ngid-map: ${map(0, 0, 1)}`,
      says: [/^map-not-allowed \/config\/web\.yaml:3 1990-2000 is not within one range/],
    },
    {
      container: `user-id: 3\nuid-map: ${map(0, 1000, 3)}\ngid-map: ${map(0, 0, 1)}`,
      says: [/^not-mapped .* user 3 is not in `uid-map` of this file/],
    },
    { container: `user-id: 3\nuid-map: ${map(0, 1000, 4)}\ngid-map: ${map(0, 0, 1)}`, says: [] },
  ],
  '§2.2 uid-map: entries do not overlap': [
    {
      sandbox:
        'uid-map: [{inside: 0, outside: 10, count: 9}, {inside: 8, outside: 50, count: 2000}]\ngid-map: [{inside: 0, outside: 0, count: 1}, {inside: 5, outside: 0, count: 1}]',
      says: [/^map-overlap box\.yaml:\d+ /, /^map-overlap box\.yaml:\d+ /],
    },
    {
      container:
        'user-id: 0\ngid-map: [{inside: 0, outside: 0, count: 1}]\nuid-map: [{inside: 0, outside: 1000, count: 2}, {inside: 1, outside: 1100, count: 1}]',
      says: [/^map-overlap \/config\/web\.yaml:\d+ /],
    },
  ],
  '§4.3 volume-owners: an owner outside of the map is an error, if anybody would be given the directory': [
    {
      sandbox: `writable-paths: {/w: /w}\nuid-map: ${map(1000, 1000, 1)}\ngid-map: ${map(0, 0, 1)}`,
      container:
        'volumes: {/a: !Persistent {path: /w, mkdir: true, user: 1001, group: 0}, /b: !Persistent {path: /w}, /c: !Statedir , /d: !Statedir {path: /x, user: 1000, group: 1}}',
      says: [/^owner-not-mapped .* user 1001/, /^owner-not-mapped .* group 1 /],
    },
  ],
  '§2.6 kind-match: of container and entry': [
    { container: 'kind: Command', says: [/^kind-mismatch \/config\/web\.yaml:2 .*is a Daemon/] },
    { process: entry('kind: Command'), says: [/^kind-mismatch/] },
    { process: entry('kind: Command'), container: 'kind: CommandOrDaemon', says: [] },
  ],
  '§2.2 allow-capabilities': [
    { container: 'capabilities: [KILL]', says: [/^capability-not-allowed .*capability KILL/] },
  ],
  '§2.2 allow-devices': [{ container: 'devices: [/dev/kvm]', says: [/^device-not-allowed .*\/dev\/kvm/] }],
  '§2.2 allow-unconfined-seccomp': [
    {
      container: 'seccomp: unconfined',
      says: [/^seccomp-not-allowed \/config\/web\.yaml:2 .*allow-unconfined-seccomp/],
    },
  ],
  '§2.2 allow-new-privileges': [
    { container: 'new-privileges: true', says: [/^privileges-not-allowed .*allow-new-privileges/] },
  ],
  '§2.6 volume-paths-map: §4.3 volume-paths are covered, absolute, and do not climb': [
    {
      container: 'volumes: {/a: !Readonly /r}',
      says: [/^volume-not-allowed .*`readonly-paths` or `writable-paths`/],
    },
    {
      sandbox: 'readonly-paths: {/r: /r}',
      container: 'volumes: {/a: !Persistent {path: /r}}',
      says: [/^volume-not-allowed .*`writable-paths`/],
    },
    {
      sandbox: 'readonly-paths: {/r: /r}',
      container:
        'volumes: {/a: !Readonly /r/../x, /b/../c: !Tmpfs , d: !Tmpfs , /: !Tmpfs , /e: !Statedir {path: /../x}}',
      says: [
        /^volume-not-allowed/,
        /^bad-mount-point/,
        /^bad-mount-point/,
        /^bad-mount-point/,
        /^bad-mount-point/,
      ],
    },
    {
      container: 'volumes: {/a: !Tmpfs , /a/: !Tmpfs }',
      says: [/^bad-mount-point .*\/a\/ is the same mount point as \/a/],
    },
    { sandbox: 'readonly-paths: {r: /r, /a/../b: /c}', says: [/^bad-virtual-path/, /^bad-virtual-path/] },
  ],
  '§2.4 stdout-stderr-file: only where it can be written and found again': [
    { container: 'stdout-stderr-file: /log', says: [/^bad-output-file \/config\/web\.yaml:2/] },
    { container: 'stdout-stderr-file: /t/log\nvolumes: {/t: !Tmpfs }', says: [/^bad-output-file/] },
    {
      container: 'stdout-stderr-file: /s/t/log\nvolumes: {/s: !Statedir , /s/t: !Tmpfs }',
      says: [/^bad-output-file/],
    },
    {
      container: 'stdout-stderr-file: /s/../log\nvolumes: {/s: !Statedir }',
      says: [/^bad-output-file .*`\.\.`/],
    },
  ],
  '§2.6 rule-6: declared variables have values of their type': [
    { container: 'variables: {v: !Name }', says: [/^missing-variable processes\.yaml:1 .*`v`/] },
    { container: 'variables: {constructor: !Name }', says: [/^missing-variable/] },
    { container: 'variables: {v: !Name }', process: entry('variables: {v: ""}'), says: [/^bad-variable/] },
    {
      container: 'variables: {v: !Choice [a]}',
      process: entry('variables: {v: b}'),
      says: [/^bad-variable .*not one of a/],
    },
  ],
  '§2.5 undeclared: a used variable is declared, whether it has a value or not': [
    {
      container: 'arguments: ["@{v}"]',
      process: entry('variables: {v: x}'),
      says: [/^undeclared-variable \/config\/web\.yaml:2/],
    },
    {
      container:
        'environ: {A: "@{w}"}\npre-stop: ["@{x}"]\nreadiness: !Tcp {port: "@{y}"}\nliveness: !Exec {command: ["@{z}"]}',
      says: ['x', 'y', 'z', 'w'].map(name => new RegExp(`^undeclared-variable .*\`@\\{${name}\\}\``)),
    },
    { container: 'tcp-ports: {"@{v}": {fd: 3}}', says: [/^bad-port/, /^undeclared-variable/] },
  ],
  '§2.5 built-ins and §2.5 lithos-pid: exempt, the pid as a whole value of environ only': [
    { container: 'arguments: ["@{lithos:name}", "@{lithos:config_filename}"]', says: [] },
    { container: 'environ: {A: "@{lithos:pid}"}', says: [] },
    {
      container: 'arguments: ["@{lithos:pid}"]\nenviron: {A: "x@{lithos:pid}", B: "@{ lithos:pid }"}',
      says: [/^undeclared-variable/, /^undeclared-variable/, /^undeclared-variable/],
    },
    {
      sandbox: 'share-namespaces: [pid]',
      container: 'environ: {A: "@{lithos:pid}"}',
      says: [/^undeclared-variable .*own pid namespace/],
    },
  ],
  '§2.5 tcp-port-type: within allow-tcp-ports unless bridged': [
    {
      container: 'variables: {a: !TcpPort }',
      process: entry('variables: {a: "80"}'),
      says: [/^port-not-allowed processes\.yaml:1/],
    },
    {
      sandbox: bridge,
      container: 'variables: {a: !TcpPort }',
      process: entry('variables: {a: "80"}, ip-addresses: [10.0.0.2]'),
      says: [],
    },
    {
      ...port80,
      container: 'variables: {a: !TcpPort }',
      process: entry('variables: {a: "0"}'),
      says: [/^bad-variable/],
    },
    {
      ...port80,
      container: 'variables: {a: !TcpPort }',
      process: entry('variables: {a: "8k"}'),
      says: [/^bad-variable/],
    },
  ],
  '§2.6 rule-7: activation against descriptors and LISTEN_*': [
    {
      ...port80,
      container: `${activated}tcp-ports: {81: {fd: 3}}`,
      says: [/^fd-twice \/config\/web\.yaml:3 descriptor 3 is that of variable a already/],
    },
    {
      ...port80,
      sandbox: 'allow-tcp-ports: [80]\nsecrets-private-key: /k',
      container: `${activated}environ: {LISTEN_FDS: "1", LISTEN_PID: "2"}\nsecret-environ: {LISTEN_FDNAMES: "${secret}"}`,
      says: [
        /^listen-environ .*LISTEN_FDS/,
        /^listen-environ .*LISTEN_PID/,
        /^listen-environ .*LISTEN_FDNAMES/,
      ],
    },
    { container: 'environ: {LISTEN_FDS: "1"}', says: [] },
    {
      ...port80,
      sandbox: 'allow-tcp-ports: [80]\nshare-namespaces: [pid]',
      container: activated,
      says: [/^no-own-pid/],
    },
  ],
  '§2.5 activation-equal: two variables with one port': [
    {
      sandbox: 'allow-tcp-ports: [80]',
      process: entry('variables: {a: "80", b: "80"}'),
      container: 'variables: {a: !TcpPort {activation: systemd}, b: !TcpPort {activation: systemd}}',
      says: [/^port-twice processes\.yaml:1 port 80 is that of `a` already/],
    },
  ],
  '§2.5 port-keys: one port each, and each is one': [
    {
      ...port80,
      container: 'variables: {a: !TcpPort }\ntcp-ports: {80: {fd: 3}, "@{a}": {fd: 4}}',
      says: [/^port-twice \/config\/web\.yaml:3 port 80 is in the list already, as `80`/],
    },
    {
      container: 'tcp-ports: {0: {fd: 3}, http: {fd: 4}, 65536: {fd: 5}, "08 0": {fd: 6}}',
      says: [/^bad-port .*`0`/, /^bad-port .*65536/, /^bad-port .*http/, /^bad-port .*08 0/],
    },
  ],
  '§2.6 fd-twice: two sockets with one descriptor, or one the program cannot have': [
    {
      sandbox: 'allow-tcp-ports: [80-90]\nwritable-paths: {/w: /w}',
      container:
        'tcp-ports: {80: {fd: 3}, 81: {fd: 3}}\nunix-sockets: {/w/a: {fd: 3}, /w/b: {fd: 70}}\nfileno-limit: 70',
      says: [/^fd-twice .*port 80/, /^fd-twice .*port 80/, /^fd-too-high .*beyond `fileno-limit`/],
    },
  ],
  '§2.6 rule-8: explicit ports of the host are allowed': [
    { container: 'tcp-ports: {80: {fd: 3}}', says: [/^port-not-allowed \/config\/web\.yaml:2 port 80/] },
    { sandbox: bridge, process: addressed, container: 'tcp-ports: {80: {fd: 3}}', says: [] },
    {
      sandbox: bridge,
      process: addressed,
      container: 'tcp-ports: {80: {fd: 3, external: true}}',
      says: [/^port-not-allowed/],
    },
  ],
  '§2.6 rule-8: addresses suffice and are inside the network': [
    { sandbox: bridge, says: [/^no-address processes\.yaml:1/] },
    { sandbox: bridge, process: entry('instances: 0'), says: [] },
    { sandbox: bridge, process: entry('kind: Command'), container: 'kind: Command', says: [] },
    { sandbox: bridge, process: entry('ip-addresses: [10.0.1.2]'), says: [/^address-outside .*10\.0\.1\.2/] },
    { sandbox: bridge, process: entry('ip-addresses: ["fd00::1"]'), says: [/^address-outside/] },
    { sandbox: bridge, process: entry('instances: 2, ip-addresses: [10.0.0.2]'), says: [/^address-missing/] },
    { sandbox: bridge, process: entry('ip-addresses: [10.0.0.2, 10.9.9.9]'), says: [] },
  ],
  '§2.2 bridged-network: the gateway is inside, the command absolute; §2.2 after-setup-command knows one variable':
    [
      {
        sandbox:
          'bridged-network: {bridge: br0, network: 10.0.0.0/24, default-gateway: 10.1.0.1, after-setup-command: [arping, "@{ip}"]}',
        process: addressed,
        says: [/^address-outside/, /^bad-command/, /^unknown-variable/],
      },
    ],
  '§2.4 unix-sockets: covered, short enough, each once': [
    { container: 'unix-sockets: {/w/a: {fd: 3}}', says: [/^socket-not-allowed/] },
    {
      sandbox: `writable-paths: {/w: /w, /v: /w}`,
      container: `unix-sockets: {/w/${'ä'.repeat(60)}: {fd: 3}, /w/a: {fd: 4}, /v/a: {fd: 5}}`,
      says: [/^socket-path .*longer than the 107 bytes/, /^socket-path .*the same file as `\/w\/a`/],
    },
  ],
  '§2.4 after: known daemons, no circle': [
    { container: 'after: [wbe]', says: [/^after-unknown .*no process `wbe`/] },
    { container: 'after: [web]', says: [/^after-circle .*circle \(web\)/] },
    {
      process: `${entry('')}\ndb: {image: app.1, config: /config/db.yaml}\nrun: {image: app.1, config: /config/run.yaml, kind: Command}`,
      container: 'after: [db, run]',
      containers: { '/config/db.yaml': 'after: [web]', '/config/run.yaml': 'kind: Command' },
      says: [
        /^after-command \/config\/web\.yaml/,
        /^after-circle \/config\/web\.yaml:2 .*\(web, db\)/,
        /^after-circle \/config\/db\.yaml:2 .*\(web, db\)/,
      ],
    },
  ],
  '§2.4 readiness and §2.4 liveness: ports are ports': [
    { container: 'readiness: !Tcp {port: http}', says: [/^bad-port \/config\/web\.yaml:2/] },
    { container: 'liveness: !Http {port: 0}', says: [/^bad-port/] },
  ],
  '§2.4 watchdog: its variables are set by lithos': [
    {
      container: 'watchdog: 5\nenviron: {NOTIFY_SOCKET: x, WATCHDOG_USEC: x}',
      says: [/^notify-environ .*NOTIFY_SOCKET/, /^notify-environ .*WATCHDOG_USEC/],
    },
    {
      container: 'readiness: !Notify\nenviron: {NOTIFY_SOCKET: x, WATCHDOG_USEC: x}',
      says: [/^notify-environ/],
    },
  ],
  '§2.4 restart-process-only: cannot tell a pid beforehand': [
    { container: 'restart-process-only: true\nenviron: {A: "@{lithos:pid}"}', says: [/^pid-unknown/] },
    { ...port80, container: `${activated}restart-process-only: true`, says: [/^pid-unknown/] },
    {
      sandbox: 'share-namespaces: [pid]',
      container: 'restart-process-only: true',
      says: [/^process-only \/config\/web\.yaml:2 .*pids of its own/],
    },
    {
      sandbox: 'bridged-network: {bridge: br0, network: 10.0.0.0/24}\nallow-tcp-ports: [81]',
      process: addressed,
      container: 'restart-process-only: true\ntcp-ports: {80: {fd: 3}, 81: {fd: 4, external: true}}',
      says: [/^process-only \/config\/web\.yaml:3 .*external: true/],
    },
  ],
  '§2.6 two-secrets: one form, and a key': [
    {
      sandbox: 'secrets-private-key: /k',
      container: `secret-environ: {A: "${secret}"}\nsecret-environ-file: s.yaml`,
      says: [/^two-secrets \/config\/web\.yaml:3/],
    },
    { container: `secret-environ: {A: "${secret}"}`, says: [/^no-secrets-key/] },
  ],
  '§2.4 environ: only what a program can be given': [
    {
      container: 'environ: {"A=B": x, "": y, C: "a\\0b"}\narguments: ["a\\0"]\npre-stop: ["\\0"]',
      says: [/^nul/, /^nul/, /^nul/, /^bad-environ-name/, /^bad-environ-name/],
    },
    { process: entry('variables: {v: "a\\0"}'), says: [/^nul processes\.yaml:1/] },
  ],
  '§2.2 additional-hosts: names that fit into a line': [
    {
      sandbox: 'additional-hosts: {"a b": 10.0.0.1, "a\\nb": 10.0.0.1, ok: 10.0.0.1}',
      says: [/^bad-host-name/, /^bad-host-name/],
    },
  ],
};

for (const [title, cases] of Object.entries(RULES)) {
  t.test(title, async t => {
    for (const { says, ...files } of cases) {
      const { found } = check(files);
      t.match(found, says, JSON.stringify(files));
      t.equal(found.length, says.length, `${JSON.stringify(files)} says ${found.join('; ')}`);
    }
  });
}

t.test('§2.6 duplicates: an address twice is an error, other options of one port a warning', async t => {
  const network = `${bridge}allow-tcp-ports: [80]`;
  const one = check({
    name: 'one',
    sandbox: network,
    process: `${addressed}\nold: {image: app.1, config: /config/web.yaml, ip-addresses: [10.0.0.2]}`,
  });
  const two = check({
    name: 'two',
    sandbox: network,
    process: entry('instances: 0, ip-addresses: [10.0.0.2]'),
  });
  const other = check({
    name: 'other',
    sandbox: 'bridged-network: {bridge: br1, network: 10.0.0.0/24}',
    process: addressed,
  });
  const host = [one, two, other].map(({ sources }) => ({ sources, good: sources.entries }));
  t.match(checkHostWide(host), [
    {
      sandbox: 'one',
      diagnostic: { code: 'address-twice', message: /10\.0\.0\.2 is the address of one\/web\.0/, line: 2 },
    },
  ]);
  const ports = (name: string, text: string) =>
    check({ name, sandbox: 'allow-tcp-ports: [80]', container: `tcp-ports: {80: {fd: 3${text}}}` });
  const sharing = [
    ports('a', ''),
    ports('b', ', host: 0.0.0.0'),
    ports('c', ', listen-backlog: 5'),
    ports('d', ', host: 127.0.0.1, listen-backlog: 5'),
  ];
  t.match(checkHostWide(sharing.map(({ sources }) => ({ sources, good: sources.entries }))), [
    {
      sandbox: 'c',
      diagnostic: { code: 'port-options', severity: 'warning', message: /shared with a\/web/ },
    },
  ]);
});

t.test(
  '§1.4 check-container: declared variables and descriptors are all a container file alone can show',
  async t => {
    const text =
      'executable: /x\narguments: ["@{v}", "@{lithos:name}"]\ntcp-ports: {80: {fd: 3}, "@{w}": {fd: 3}}\nuser-id: 77';
    const container = { value: value(containerSchema, text), node: parse(text) };
    t.match(
      checkContainer(container).map(({ code, line }) => `${code} ${line}`),
      ['undeclared-variable 2', 'undeclared-variable 3', 'fd-twice 3'],
    );
  },
);

t.test('permissions that only look octal are told of, and keep nothing from running', async t => {
  const text = [
    'executable: /x',
    'volumes:',
    '  /a: !Tmpfs {mode: 755}',
    '  /b: !Statedir {path: /x, mode: 0750}',
    '  /c: !Tmpfs {mode: 0o755}',
    '  /d: !Tmpfs {mode: 493}',
    'unix-sockets: {/w/a.sock: {fd: 3, mode: 0600}}',
  ].join('\n');
  const container = { value: value(containerSchema, text.replace('0600', '0400')), node: parse(text) };
  t.same(
    checkContainer(container).map(
      ({ severity, line, message, hint }) => `${severity} ${line} ${message}; ${hint}`,
    ),
    [
      'warning 3 755 is a decimal number: the permissions are 0o1363; write 0o755',
      'warning 4 0750 is a decimal number: the permissions are 0o1356; write 0o750',
      'warning 7 0600 is a decimal number: the permissions are 0o1130; write 0o600',
    ],
  );
});

t.test('§2.2 map-membership: translation has no entry beyond count', async t => {
  const maps = [
    { inside: 0, outside: 100, count: 1 },
    { inside: 5, outside: 200, count: 2 },
  ];
  t.same(
    [0, 1, 4, 5, 6, 7].map(id => outsideId(maps, id)),
    [100, undefined, undefined, 200, 201, undefined],
  );
});

t.test('addresses and networks as texts', async t => {
  const same = (a: string, b: string) => t.same(parseAddress(a), parseAddress(b), `${a} is ${b}`);
  same('::1', '0:0:0:0:0:0:0:1');
  same('fd00::a', 'FD00:0::000a');
  same('::ffff:1.2.3.4', '::ffff:102:304');
  same('1::', '1:0:0:0:0:0:0:0');
  for (const bad of [
    '',
    '1.2.3',
    '1.2.3.4.5',
    '1.2.3.04',
    '256.1.1.1',
    ':',
    ':::',
    '1:2',
    '1::2::3',
    '12345::',
    '::1.2.3',
    'fe80::1%eth0',
    '1:2:3:4:5:6:7:8:9',
    '1:2:3:4:5:6:7::8:9',
  ])
    t.equal(parseAddress(bad), undefined, bad);
  t.same(errors(addressSchema, '10.0.0.1'), []);
  t.match(errors(networkSchema, '10.0.0.1'), [/is no network/]);
  const inside = (network: string, address: string) => {
    const [n, a] = [parseNetwork(network), parseAddress(address)];
    return n !== undefined && a !== undefined && isInside(n, a);
  };
  t.ok(inside('10.1.2.3/8', '10.255.0.1'));
  t.notOk(inside('10.0.0.0/9', '10.128.0.0'));
  t.ok(inside('0.0.0.0/0', '8.8.8.8'));
  t.notOk(inside('::/0', '8.8.8.8'));
  t.ok(inside('fd00::/64', 'fd00::ffff'));
  t.notOk(inside('fd00::/128', 'fd00::1'));
  for (const bad of ['10.0.0.0/33', '::/129', '/8', '10.0.0.0/', '10.0.0.0/8/8'])
    t.equal(parseNetwork(bad), undefined, bad);
});
