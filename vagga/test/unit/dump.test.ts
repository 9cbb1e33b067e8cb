// `_dump_config` (spec §4.10): order, defaults, words with underscores.
import t from 'tap';
import { dumpConfig } from '../../src/core/dump.ts';
import { project } from './helpers.ts';

const dumped = (text: string) => JSON.parse(JSON.stringify(dumpConfig(project(text))));

t.test('§4.10 dump, §9 dump: keys in order, maps by name, every declared key', async t => {
  const dump = dumped(`
_mine: {x: 1}
containers:
  b: {setup: []}
  a:
    setup:
    - !Alpine v3.15
    - !Install [bc]
    - !UbuntuUniverse
    - !Tar {url: http://x/y}
    - !SubConfig {container: z}
    - !CargoInstall [ripgrep]
    volumes:
      /z: !Empty
      /v: !Tmpfs {subdirs: {a: }}
      /b: !BindRW /work/x
    uids: [0, 5-9]
commands:
  run: !Command {container: a, run: [x, y], user_id: 7}
  all: !Supervise
    mode: wait-all-successful
    children:
      two: !BridgeCommand {container: a, run: x}
      one: !Command {container: a, run: x, network: {ip: 1.2.3.4}, ready: !Exec "true"}
  cap: !CapsuleCommand {run: x}
`);
  t.same(Object.keys(dump), ['minimum_vagga', 'mixins', 'commands', 'containers']);
  t.same([dump.minimum_vagga, dump.mixins], [null, []]);
  t.same(Object.keys(dump.commands), ['all', 'cap', 'run']);
  t.same(Object.keys(dump.containers), ['a', 'b']);
  const { a, b } = dump.containers;
  t.same(b, {
    setup: [],
    data_dirs: [],
    image_cache_url: null,
    auto_clean: false,
    environ: {},
    environ_file: null,
    default_shell: [],
    resolv_conf_path: '/etc/resolv.conf',
    hosts_file_path: '/etc/hosts',
    uids: [{ start: 0, end: 65_536 }],
    gids: [{ start: 0, end: 65_536 }],
    volumes: {},
    source: '/project/vagga.yaml',
  });
  t.same(a.setup, [
    { Alpine: 'v3.15' },
    { Install: ['bc'] },
    { UbuntuUniverse: null },
    { Tar: { url: 'http://x/y', sha256: null, path: '/', subdir: '' } },
    { SubConfig: { source: { Directory: null }, path: 'vagga.yaml', container: 'z', cache: null } },
    { CargoInstall: { packages: ['ripgrep'], path: null, features: [], locked: true } },
  ]);
  t.same(Object.entries(a.volumes), [
    ['/b', { BindRW: '/work/x' }],
    ['/v', { Tmpfs: { size: 104_857_600, mode: 0o1777, subdirs: { a: { mode: 0o755 } }, files: {} } }],
    ['/z', 'Empty'],
  ]);
  t.same(a.uids, [
    { start: 0, end: 1 },
    { start: 5, end: 10 },
  ]);
  const { run, all, cap } = dump.commands;
  t.match(run.Command, {
    run: { Command: ['x', 'y'] },
    user_id: 7,
    write_mode: 'read_only',
    work_dir: null,
    banner_delay: null,
    prerequisites: [],
    source: '/project/vagga.yaml',
  });
  t.match(all.Supervise, { mode: 'wait_all_successful', kill_unresponsive_after: 2, options: null });
  t.same(Object.keys(all.Supervise.children), ['one', 'two']);
  t.match(all.Supervise.children.one.Command, {
    run: { Shell: 'x' },
    source: null,
    network: { ip: '1.2.3.4', hostname: null, ports: {} },
    ready: { Exec: { command: 'true', timeout: 60, interval: 250 } },
  });
  t.match(all.Supervise.children.two, { BridgeCommand: { run: { Shell: 'x' } } });
  t.match(cap.CapsuleCommand, { uids: [{ start: 0, end: 65_536 }], accepts_arguments: false });
  t.notOk(JSON.stringify(dump).includes('_mine'));
});
