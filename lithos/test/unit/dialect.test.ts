// The YAML dialect all four files share, seen through their own schemas.
import t from 'tap';
import { containerSchema } from '../../src/config/container.ts';
import { masterSchema } from '../../src/config/master.ts';
import { sandboxSchema } from '../../src/config/sandbox.ts';
import { errors, processesSchema, value } from '../configs.ts';

const container = (text: string) => value(containerSchema, `executable: /bin/x\n${text}`);
const problems = (text: string) => errors(containerSchema, `executable: /bin/x\n${text}`);

t.test('§2.0 dashes: both spellings are one key, the underscore one wins', async t => {
  t.equal(container('kill_timeout: 7').killTimeout, 7);
  t.equal(container('kill-timeout: 7').killTimeout, 7);
  t.equal(container('kill_timeout: 7\nkill-timeout: 9').killTimeout, 7);
  t.equal(container('resolv_conf: {copy_from_host: false}').resolvConf.copyFromHost, false);
});

t.test('§2.0 unknown-key: an error at the key, with the nearest one', async t => {
  t.match(problems('kil-timeout: 7'), [
    /^2:1 the key "kil-timeout" is not known here \(did you mean kill-timeout\?\)/,
  ]);
  t.match(problems('hosts-file: {localhos: true}'), [/^2:14 .*did you mean localhost/]);
});

t.test('§2.0 hidden-key: ignored among fixed keys, data in free mappings', async t => {
  t.same(problems('_note: {anything: [1]}'), []);
  t.same(container('environ: {_HOME: x}').environ, { _HOME: 'x' });
  t.equal(value(processesSchema, '_web: {image: a, config: /c}')._web?.image, 'a');
});

t.test('§2.0 duplicate-key: an error, and so are keys that are no scalars', async t => {
  t.match(problems('workdir: /a\nworkdir: /b'), [/^3:1 /]);
  t.match(problems('environ: {[a]: b}'), [/^2:/]);
});

t.test('§2.0 all-errors: every error of a file at once, each with its place', async t => {
  t.match(problems('user-id: x\nkill-timeout: -1\nworkdir: tmp\nnope: 1'), [
    /^4:10 the path must start with/,
    /^2:10 "x" is not a whole number/,
    /^3:15 must be at least 0/,
    /^5:1 the key "nope"/,
  ]);
});

t.test('§2.0 anchors: aliases, merge keys and !*Unpack', async t => {
  const text =
    '_base: &base {A: "1", B: "2"}\nenviron: {<<: *base, A: "3"}\narguments: [a, !*Unpack [[b, c]]]';
  t.same(container(text).environ, { A: '3', B: '2' }, 'a merged key never overrides a direct one');
  t.same(container(text).arguments, ['a', 'b', 'c']);
  t.same(container('environ: {<<: [{A: "1"}, {A: "2", B: "2"}]}').environ, { A: '1', B: '2' });
});

t.test('§2.0 includes: every include tag is an error', async t => {
  for (const tag of ['!*Include x.yaml', '!*IncludeSeq "*.yaml"', '!*OptInclude x.yaml'])
    t.match(errors(masterSchema, `_a: ${tag}`).length, 1, tag);
});

t.test('§2.0 booleans: true and false, quoted or not, nothing else', async t => {
  t.equal(container('interactive: "true"').interactive, true);
  for (const word of ['yes', 'on', 'True', '1'])
    t.match(problems(`interactive: ${word}`), [/neither true nor false/]);
});

t.test('§2.0 nulls: empty, ~ and null, where the table allows them', async t => {
  for (const text of ['', '~', 'null']) {
    t.equal(value(sandboxSchema, `log-file: ${text}`).logFile, null);
    t.equal(value(sandboxSchema, `bridged-network: ${text}`).bridgedNetwork, null);
    t.equal(value(sandboxSchema, `default-user: ${text}`).defaultUser, null);
    t.equal(container(`user-id: ${text}`).userId, null);
    t.match(problems(`kill-timeout: ${text}`), [/a text is expected here/]);
    t.match(errors(sandboxSchema, `default-group: ${text}`), [/a text is expected here/]);
  }
  t.equal(value(sandboxSchema, 'log-file: "null"').logFile, 'null', 'quoted it is a text');
  t.equal(value(sandboxSchema, 'log-file: nil').logFile, 'nil', 'as nil is');
  t.same(container('volumes:\narguments:').arguments, [], 'an empty list or mapping means the default');
});

t.test('§2.0 integers: bases, separators, units; no fractions', async t => {
  const size = (text: string) => container(`memory-limit: ${text}`).memoryLimit;
  const wanted: [string, number][] = [
    ['1_000', 1000],
    ['0x10', 16],
    ['0o17', 15],
    ['0b101', 5],
    ['5k', 5000],
    ['5 M', 5_000_000],
    ['+2G', 2_000_000_000],
    ['1ki', 1024],
    ['1Mi', 1_048_576],
    ['2Gi', 2_147_483_648],
    ['0777', 777],
  ];
  for (const [text, bytes] of wanted) t.equal(size(text), bytes, text);
  for (const text of ['100m', '1.5', '1e3', '0x', '9Ki', '5 kb'])
    t.match(problems(`memory-limit: ${text}`), [/is not a whole number/], text);
  t.match(problems('kill-timeout: 0.5'), [/is not a whole number/]);
  t.equal(container('volumes: {/x: !Tmpfs {size: 1Mi, mode: 0o700}}').volumes['/x']?.tag, 'Tmpfs');
});

t.test('§2.0 plain-integers: ids of defaults, backlogs, ranges and ports are decimal digits', async t => {
  for (const text of ['0x10', '1k', '1_000']) {
    t.match(errors(sandboxSchema, `default-user: ${text}`), [/is not a whole number/]);
    t.match(errors(sandboxSchema, `default-group: ${text}`), [/is not a whole number/]);
    t.match(problems(`tcp-ports: {80: {fd: 3, listen-backlog: ${text}}}`), [/is not a whole number/]);
    t.match(errors(sandboxSchema, `allow-users: [${text}]`), [/does not match/]);
  }
});

t.test('§2.0 scalars: untyped, so that numbers and booleans are fine as texts', async t => {
  t.same(container('environ: {A: 3.10, B: true, C: 0x10}').environ.A, '3.10');
  t.same(container('arguments: [1, true, 2.50]').arguments, ['1', 'true', '2.50']);
});

t.test(
  '§2.0 tags: a bare one means all defaults, an unknown, stray, global or prefixed one is an error',
  async t => {
    t.match(container('volumes: {/x: !Tmpfs }').volumes['/x'], {
      tag: 'Tmpfs',
      value: { size: 104_857_600, mode: 0o777 },
    });
    t.match(container('variables: {p: !TcpPort }').variables.p, {
      tag: 'TcpPort',
      value: { activation: 'none' },
    });
    t.match(problems('volumes: {/x: !Tmpf {}}'), [
      /the tag !Tmpf is not known here \(did you mean !Tmpfs\?\)/,
    ]);
    t.match(problems('volumes: {/x: {}}'), [/a tag is expected here/]);
    t.match(problems('kind: !Daemon'), [/./]);
    t.match(problems('environ: !!map {}'), [/./]);
    t.match(problems('environ: !a!b {}'), [/./]);
  },
);

t.test('§2.0 empty-file: an empty mapping', async t => {
  t.equal(value(masterSchema, '').logLevel, 'warn');
  t.equal(value(masterSchema, '# nothing\n').runtimeDir, '/run/lithos');
  t.same(value(processesSchema, ''), {});
  t.match(errors(containerSchema, '{}'), [/the key executable is missing/]);
});
