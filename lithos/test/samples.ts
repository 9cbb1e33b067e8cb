// Valid hosts, small ones, in which together every key of the four files is used: for tests that damage them.

export const KINDS = ['master', 'sandbox', 'process', 'container'] as const;
export type Kind = (typeof KINDS)[number];
export type Sample = Readonly<Record<Kind, string>>;

const SECRET = `v2:${'A'.repeat(8)}:${'B'.repeat(8)}:${'C'.repeat(8)}:DDDD`;

/** Paths of the host are below `root`, where an image `app.1` is, with /config/web.yaml and /config/other.yaml. */
export function samples(root: string): readonly Sample[] {
  const master = `sandboxes-dir: ${root}/sandboxes
processes_dir: ${root}/processes
`;
  const sandbox = `image-dir: ${root}/images
allow-users: [0, 1000-1999]
allow-groups: [0-10]
default-user: 1000
`;
  return [
    {
      master: `${master}runtime-dir: /run/lithos
state-dir: state
mount-dir: mnt
cgroup-name: a/lithos.slice
cgroup-controllers: [name, cpu, memory]
config-log-dir: null
log-level: info
`,
      sandbox: `_net: &net {bridge: br0, network: 10.0.0.0/24}
${sandbox}allow-tcp-ports: [80-90, 8080]
additional-hosts: {db.local: 10.0.0.5, v6: "fd00::1"}
hosts-file: /etc/hosts
bridged-network:
  <<: *net
  default-gateway: 10.0.0.1
  after-setup-command: [/bin/true, "@{container_ip}"]
`,
      process: `web: &web
  image: app.1
  config: /config/web.yaml
  instances: 2
  variables: &values {port: "80", stage: live, name: n, domain: a.b}
  ip-addresses: [10.0.0.2, 10.0.0.3]
again: {<<: *web, instances: 0, variables: {<<: *values, port: 81}}
other: {image: app.1, config: /config/other.yaml, kind: Daemon, instances: 0}
`,
      container: `executable: /bin/app
arguments: [-p, "@{port}", "@{ name }", !*Unpack [[a, b]]]
environ: &env {A: "@{lithos:name}", B: "@{lithos:pid}"}
tcp-ports:
  "@{port}": {fd: 4, listen-backlog: 5}
  90: {fd: 5, host: "::1", reuse-addr: true, reuse-port: false, set-non-block: true, external: true}
hosts-file: {mount: false, copy-from-host: false, localhost: true, public-hostname: false}
variables:
  port: !TcpPort
  stage: !Choice [test, live]
  name: !Name
  domain: !DottedName
readiness: !Http {port: "@{port}", path: /ok, interval: 2}
after: [other]
`,
    },
    {
      master: `${master}default-log-dir: /var/log/lithos
stdio-log-dir: ${root}/log
log-file: "master.log"
syslog-facility: local0
syslog-app-name: demo
`,
      sandbox: `${sandbox}allow-capabilities: [KILL]
allow-devices: [/dev/null]
allow-unconfined-seccomp: true
allow-new-privileges: true
uid-map: [{inside: 0, outside: 0, count: 0x800}]
gid-map:
- {inside: 0, outside: 0, count: 64}
used-images-list: /none
auto-clean: false
`,
      process: `web: {image: app.1, config: /config/web.yaml, kind: Command}
`,
      container: `kind: CommandOrDaemon
executable: /bin/app
user-id: 1001
group-id: 1
memory-limit: 256Mi
cpu-shares: 512
fileno-limit: 0x400
capabilities: [KILL]
additional-groups: [5]
swap-limit: 1 Mi
cpu-quota: 150
pids-limit: 100
io-weight: 100
io-limits: {/dev/vda: {read-bytes: 1Mi, write-ops: 100}}
rlimits: {core: 0}
seccomp: unconfined
new-privileges: true
devices: [/dev/null]
interactive: false
metadata: {anything: [1, {at: all}]}
`,
    },
    {
      master: `${master}devfs-dir: /dev
stdio-log-size: 1Mi
stdio-log-files: 3
shutdown-timeout: 30
cgroup-favordynmods: false
`,
      sandbox: `${sandbox}default_group: 0
readonly-paths: {/r: /usr, "/r/s": /bin}
writable-paths:
  /w: ${root}/data
resolv-conf: /etc/resolv.conf
config-file: box.yaml
log-file: box.log
log-level: debug
secrets-private-key: /etc/key
secrets-namespaces: [a, b]
share-namespaces: []
image-dir-levels: 1
rolling-update: {max-unavailable: 2, timeout: 5, roll-back: false}
`,
      process: `# three of them
web:
  image: "app.1"
  config: '/config/web.yaml'
  instances: 0x3
  extra-secrets-namespaces: [c]
`,
      container: `executable: /bin/app
workdir: /srv
secret-environ: {PASSWORD: "${SECRET}", TOKEN: ["${SECRET}"]}
restart-timeout: 1
kill-timeout: 5
stdout-stderr-file: /state/log
normal-exit-codes: [0, 7]
volumes:
  /ro: !Readonly /r/share
  /data: !Persistent {path: /w/one, mkdir: true, mode: 0o700, user: 1000, group: 0}
  /tmp: !Tmpfs {size: 100Mi, mode: 0o1777}
  /state: !Statedir
resolv-conf: {mount: null, copy-from-host: true}
restart-backoff-max: 30
healthy-after: 5
max-failures: 3
start-timeout: 20
stop-signal: INT
pre-stop: [/bin/true]
liveness: !Exec {command: [/bin/true], timeout: 1}
watchdog: 10
unix-sockets:
  /w/web.sock: {fd: 3, mode: 0o600}
`,
    },
  ];
}
