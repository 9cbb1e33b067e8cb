// The YAML of the format (spec §1.1): what it accepts, and the words, places and order of its errors.
import t from 'tap';
import type { Step } from '../../src/config/model.ts';
import { load, project } from './helpers.ts';

const errors = (text: string, files: Record<string, string> = {}): string => {
  const loaded = load(text, files);
  return loaded.ok ? '' : loaded.text;
};

const lines = (text: string, files: Record<string, string> = {}): string[] =>
  errors(text, files)
    .split('\n')
    .filter(line => line.startsWith('/'))
    .map(line => line.replace('/project/', ''));

/** The steps of one container written below `setup:`. */
const steps = (text: string): [string, unknown][] =>
  (project(`containers:\n  c:\n    setup:\n${text}`).containers.c?.setup ?? []).map(
    ({ tag, value }: Step): [string, unknown] => [tag, value],
  );

const command = (...keys: readonly string[]): string =>
  `commands:\n  c: !Command\n    container: a\n    run: x\n${keys.map(key => `    ${key}\n`).join('')}`;

t.test(
  '§1.1 scalars-source-text: no value is a number, date or word of YAML before a key asks for it',
  async t => {
    const { commands } = project(
      command('environ: {A: 3.10, B: 0o777, C: 2018-01-01, D: yes, E: "", F: 1e3}', 'work-dir: .'),
    );
    t.match(commands.c, {
      environ: { A: '3.10', B: '0o777', C: '2018-01-01', D: 'yes', E: '', F: '1e3' },
      workDir: '.',
    });
    t.same(steps('    - !UbuntuRelease {version: 15.10}\n')[0]?.[1], {
      version: '15.10',
      arch: 'amd64',
      keepChfnCommand: false,
      eatmydata: true,
    });
  },
);

t.test('§1.1 booleans: true and false, nothing else', async t => {
  t.match(project(command('accepts-arguments: true')).commands.c, { acceptsArguments: true });
  for (const word of ['yes', 'on', 'True', '1']) {
    t.same(lines(command(`accepts-arguments: ${word}`)), [
      `vagga.yaml:5:24: Decode error at .commands.c.accepts_arguments: bad boolean "${word}"`,
    ]);
  }
});

t.test('§1.1 integers: all notations, suffixes, and a leading zero that means nothing', async t => {
  const size = (text: string) => {
    const { containers } = project(`containers: {c: {volumes: {/x: !Tmpfs {size: ${text}}}}}\n`);
    return Object(containers.c?.volumes['/x']?.value).size;
  };
  t.same(
    ['12', '0x10', '0o17', '0b11', '1_000', '2k', '2 M', '1G', '1ki', '100Mi', '1 Gi', '0644'].map(size),
    [12, 16, 15, 3, 1000, 2000, 2e6, 1e9, 1024, 100 * 2 ** 20, 2 ** 30, 644],
  );
  t.match(lines(command('user-id: x1')), [/5:14: Validation Error: number error: "x1"/]);
  t.match(lines(command('user-id: -1')), ['vagga.yaml:5:14: Validation Error: Value must be at least 0']);
  t.match(lines(command('user-id: 2Gi')), [/Value must be at most 1073741824$/]);
  t.match(lines(command('expect-inotify-limit: 64k')), [/number error/], 'this one takes no suffix');
  t.match(project(command('expect-inotify-limit: 65536')).commands.c, { expectInotifyLimit: 65536 });
});

t.test('§1.1 nulls: left out and written ones', async t => {
  t.match(project('containers:\ncommands:\n'), { containers: {}, commands: {} });
  t.same(lines('containers: ~\n'), ['vagga.yaml:1:13: Validation Error: Value must be mapping']);
  t.match(lines('containers: {c: {setup: null}}\n'), [/Value must be sequence$/]);
  t.match(project(command('description: ~', 'work-dir:')).commands.c, {
    description: undefined,
    workDir: undefined,
  });
  t.same(steps('    - !UbuntuUniverse\n    - !UbuntuUniverse ~\n'), [
    ['UbuntuUniverse', null],
    ['UbuntuUniverse', null],
  ]);
  t.same(lines('containers: {c: {setup: [!UbuntuUniverse x]}}\n'), [
    'vagga.yaml:1:42: Parse Error: Null expected, Scalar found',
  ]);
  t.match(lines('containers: {c: {environ: {A: }}}\n'), [/Value must be scalar$/]);
  t.match(lines('containers: {c: {setup: [!Install [~]]}}\n'), [/Value must be scalar$/]);
  t.match(lines(command('user-id:')), [/Value must be scalar$/]);
  t.match(project('containers: {c: {hosts-file-path: ~, resolv-conf-path: }}\n').containers.c, {
    hostsFilePath: null,
    resolvConfPath: null,
  });
});

t.test('§1.1 literal-blocks: their indentation, blank lines and end', async t => {
  const text = (block: string) =>
    Object.values(steps(`    - !Text\n      /x: |${block}`)[0]?.[1] as object)[0];
  t.equal(text('\n        a\n          b\n'), 'a\n  b\n');
  t.equal(
    text('\n\n\n        a\n\n        b\n\n\n'),
    '\n\na\n\nb\n',
    'leading blank lines stay, trailing ones go',
  );
  t.equal(
    text('\n                 \n        a\n'),
    '\na\n',
    'a leading blank line may be wider than the text',
  );
  t.equal(text('\n'), '', 'an empty block is the empty text');
  t.equal(text('\n        a'), 'a\n', 'exactly one newline, whatever the file ends with');
  t.match(
    project(command('description: a\n      b\n\n      c')).commands.c,
    { description: 'a b\nc' },
    'plain ones fold',
  );
});

t.test('§1.1 tags: before the first key, with nothing after it, and where nobody asks', async t => {
  t.same(
    steps('    - !AptTrust keys: [A]\n    - !Env HOME: /root\n      B: c\n    - !CacheDirs /var/cache: x\n'),
    [
      ['AptTrust', { keys: ['A'] }],
      ['Env', { B: 'c', HOME: '/root' }],
      ['CacheDirs', { '/var/cache': 'x' }],
    ],
  );
  t.match(project('containers: {c: {volumes: {/x: !Empty , /y: !Tmpfs }}}\n').containers.c?.volumes, {
    '/x': { tag: 'Empty', value: null },
    '/y': { tag: 'Tmpfs', value: { mode: 0o1777 } },
  });
  t.match(project(command('user-id: !Whatever 7', 'environ: !Any {A: b}')).commands.c, {
    userId: 7,
    environ: { A: 'b' },
  });
  t.match(lines('commands:\n  c: !Command\n    container: a\n    run: !Sh x\n'), [
    /4:10: Validation Error: Value must be a sequence or a scalar/,
  ]);
  t.match(lines('commands: {c: {run: x}}\n'), [
    'vagga.yaml:1:15: Validation Error: One of the tags ["Command", "Supervise", "CapsuleCommand"] expected',
  ]);
});

t.test('§1.1 tag-and-anchor: either order, and an alias keeps the tag', async t => {
  const text = (first: string) =>
    `commands:\n  a: ${first}\n    container: c\n    run: x\n  b: !Supervise\n    children:\n      one: *it\n`;
  for (const first of ['&it !Command', '!Command &it'])
    t.match(project(text(first)).commands.b, { children: { one: { container: 'c', run: 'x' } } }, first);
  t.match(lines(text('&it !Command').replace('run: x', 'run: x\n    options: "Usage: vagga a"')), [
    /Keys \{"options"\} are not expected/,
  ]);
});

t.test('§1.1 both-spellings: keys of structures, words with a choice; keys that are data stay', async t => {
  t.match(project(command('work_dir: a', 'user-id: 1', 'user_id: 2', 'write_mode: read_only')).commands.c, {
    workDir: 'a',
    userId: 2,
    writeMode: 'read-only',
  });
  t.match(project(command('environ: {A-B: 1, A_B: 2}')).commands.c, { environ: { 'A-B': '1', A_B: '2' } });
  t.match(project('commands: {x: !Supervise {mode: wait_all_successful}}\n').commands.x, {
    mode: 'wait-all-successful',
  });
});

t.test(
  '§1.1 underscore-keys, §1.1 unknown-keys: the former are for the user, the latter mistakes',
  async t => {
    const text =
      '_defs:\n  x: &x !Install [a]\ncontainers:\n  c:\n    _note: {deep: [1]}\n    setup:\n    - *x\n    - !Tar {url: u, _why: because}\n';
    t.match(project(text).containers.c, {
      setup: [{ value: ['a'] }, { tag: 'Tar', value: { path: '/', subdir: '' } }],
    });
    t.same(lines('containers: {c: {vollumes: {}}}\n'), [
      'vagga.yaml:1:18: Validation Error: Keys {"vollumes"} are not expected',
    ]);
    t.match(errors('containers: {c: {vollumes: {}}}\n'), /\n {4}did you mean volumes\?/);
  },
);

t.test('§1.1 duplicate-keys: one error, and nothing else is said', async t => {
  t.match(lines('containers: {}\ncontainers: {c: {nonsense: 1}}\n'), [
    /^vagga.yaml:2:1: Parse Error: Duplicate key/,
  ]);
  t.equal(lines('containers: {}\ncontainers: {c: {nonsense: 1}}\n').length, 1);
});

t.test('§1.1 shorthand: a text for the main field of a structure', async t => {
  t.match(
    steps(
      '    - !Depends a/b\n    - !GitDescribe /v\n    - !Debian trixie\n    - !OciImage alpine:3\n    - !CargoInstall [a@1]\n',
    ),
    [
      ['Depends', { path: 'a/b', rules: [] }],
      ['GitDescribe', { repo: '/work', outputFile: '/v' }],
      ['Debian', { suite: 'trixie', components: [] }],
      ['OciImage', { image: 'alpine:3', tlsVerify: true }],
      ['CargoInstall', { packages: ['a@1'], locked: true }],
    ],
  );
  t.match(project('containers: {c: {volumes: {/d: !Persistent db}}}\n').containers.c?.volumes['/d'], {
    value: { name: 'db' },
  });
});

t.test('§1.1 merges: explicit keys win, then earlier members; merges inside are followed', async t => {
  const text =
    '_a: &a {A: a, B: a}\n_b: &b {<<: *a, B: b, C: b}\n_c: &c {C: c, D: c}\ncommands:\n  x: !Command\n    container: c\n    run: x\n    environ: {<<: [*b, *c], E: own, "<<": text}\n';
  t.match(project(text).commands.x, {
    environ: { A: 'a', B: 'b', C: 'b', D: 'c', E: 'own', '<<': 'text' },
  });
  t.match(steps('    - !Env {<<: {A: b}}\n'), [['Env', { A: 'b' }]]);
  const included = 'commands: {x: !Command {<<: !*Include base.yaml, run: own}}\n';
  t.match(project(included, { 'base.yaml': 'container: c\nrun: base\n' }).commands.x, {
    container: 'c',
    run: 'own',
  });
  t.match(lines('_x: {<<: [1]}\n'), [/1:11: Preprocess Error: /]);
});

t.test('§1.1 includes: beside the including file, whatever their depth', async t => {
  const files = { 'sub/c.yaml': 'setup: !*Include steps.yaml\n', 'sub/steps.yaml': '- !Sh one\n' };
  const { containers } = project('containers:\n  c: !*Include sub/c.yaml\n', files);
  t.match(containers.c?.setup, [{ tag: 'Sh', value: 'one', file: '/project/sub/steps.yaml', line: 1 }]);
  t.match(containers.c, { source: '/project/vagga.yaml' }, 'defined by the file that includes');
  for (const path of ['./a.yaml', '../a.yaml', '/a.yaml'])
    t.match(lines(`containers: !*Include ${path}\n`, { 'a.yaml': '{}' }), [/1:23: Preprocess Error: /], path);
  t.match(lines('containers: !*Include gone.yaml\n'), [
    /Preprocess Error: .*gone\.yaml: Error reading file: /,
  ]);
});

t.test('§1.1 include-loops, §9 include-loops: an error', async t => {
  t.match(
    lines('containers: !*Include a.yaml\n', {
      'a.yaml': 'c: !*Include b.yaml\n',
      'b.yaml': 'setup: !*Include a.yaml\n',
    }),
    [/^b\.yaml:1:18: Preprocess Error: a\.yaml includes itself/],
  );
});

t.test('§1.1 unpack: lists in a list, aliases and includes among them', async t => {
  const text =
    '_one: &one [!Sh a]\ncontainers:\n  c:\n    setup:\n    - !Sh z\n    - !*Unpack [[!Sh b, !Sh c], *one, !*Include more.yaml]\n    - !Sh y\n';
  const { containers } = project(text, { 'more.yaml': '- !Sh d\n' });
  t.same(
    containers.c?.setup.map(({ value }) => value),
    ['z', 'b', 'c', 'a', 'd', 'y'],
  );
  t.match(lines('containers: {c: {setup: !*Unpack [[!Sh a]]}}\n'), [/Preprocess Error: /]);
});

t.test('§1.1 other-includes: recognised and refused', async t => {
  for (const tag of ['IncludeSeq', 'IncludeMap'])
    t.match(lines(`containers: !*${tag} a.yaml\n`), [/1:13: Preprocess Error: /]);
});

t.test('§1.1 error-order: the schema decides, maps go by key, one decode error comes last', async t => {
  const text = `commands:
  bad-cmd: !Command
    container: a
  also: !Command
    container: a
    run: x
    accepts-arguments: yes
    isolate-network: on
  any: !UnknownCommand {}
containers:
  z: {nonsense: 1}
  b: {setup: [!Alpin v3.1], volumes: !*IncludeMap x.yaml}
mixins: {}
minimum-vagga: v99.1
`;
  t.same(lines(text), [
    'vagga.yaml:14:16: Minimum Vagga Error: Please upgrade vagga to at least "v99.1"',
    'vagga.yaml:12:38: Preprocess Error: the tag !*IncludeMap is not available',
    'vagga.yaml:13:9: Validation Error: Value must be sequence',
    'vagga.yaml:12:15: Validation Error: The tag Alpin is not expected',
    'vagga.yaml:11:7: Validation Error: Keys {"nonsense"} are not expected',
    'vagga.yaml:7:24: Validation Error: bad boolean "yes"',
    'vagga.yaml:9:8: Validation Error: The tag UnknownCommand is not expected',
    'vagga.yaml:3:5: Validation Error: Field run is expected',
    'vagga.yaml:8:22: Decode error at .commands.also.isolate_network: bad boolean "on"',
  ]);
});

t.test('§1.1 error-texts: the ones that scripts look for', async t => {
  t.same(lines('commands:\n  bad-cmd: !Command\n    container: a\n'), [
    'vagga.yaml:3:5: Validation Error: Field run is expected',
    'vagga.yaml:3:5: Decode error at .commands.bad-cmd: missing field `run`',
  ]);
  const one = (text: string) => lines(text)[0]?.replace(/^\S+ /, '');
  t.equal(
    one('commands: {c: !UnknownCommand {}}\n'),
    'Validation Error: The tag UnknownCommand is not expected',
  );
  t.equal(one('containers: {c: {x: 1}}\n'), 'Validation Error: Keys {"x"} are not expected');
  t.equal(one('containers: {c: {setup: [!EnsureDir ""]}}\n'), 'Validation Error: Path expected');
  t.equal(one('containers: {c: {setup: [!EnsureDir x]}}\n'), 'Validation Error: Path must be absolute');
  t.equal(one('containers: {c: {setup: [!Depends /x]}}\n'), 'Validation Error: Path must not be absolute');
  t.equal(
    one('containers: {c: {setup: [!Depends a/../x]}}\n'),
    'Validation Error: The /../ is not allowed in path',
  );
  t.equal(one('containers: {c: {setup: [*x]}}\n'), 'Parse Error: Unknown alias "x"');
  t.equal(
    one(command('environ: &a').replace('run: x', 'run: []')),
    'Validation Error: `run` must contain at least a command to run',
  );
  t.equal(
    one('commands: {c: !Command {container: a, run: {}}}\n'),
    'Validation Error: Value must be a sequence or a scalar',
  );
});

t.test('§1.1 error-layout: PATH:LINE:COL, the kind, an empty line after all', async t => {
  t.match(errors('containers: {c: {x: 1}}\n'), /^\/project\/vagga\.yaml:1:18: Validation Error: [^\n]+\n\n$/);
  t.match(errors('a: "\\q"\n'), /^\/project\/vagga\.yaml:1:\d: Tokenizer Error: /);
  t.match(errors('a: [\n'), /^\/project\/vagga\.yaml:\d:\d: Parse Error: /);
  t.equal(lines('a: [\nb: }\n').length, 1, 'what is no YAML has one error');
});

t.test('§9 words: of the manuals and of other tools, what the thing is called here', async t => {
  const hint = (text: string) => errors(text).split('\n')[1]?.trim();
  t.match(hint('services: {}\n'), 'a service is a child of a command with the tag !Supervise');
  t.equal(hint(command('depends_on: [db]')), 'it is called after, and ready says when the others are there');
  t.equal(hint(command('public-ports: [80]')), 'ports of the test network are in the key network');
  t.equal(
    hint('containers: {c: {image: redis}}\n'),
    'an image of a registry is the first step of setup: !OciImage NAME',
  );
  t.equal(hint('containers: {c: {setup: [!GitDescribe {match: v*}]}}\n'), 'it is called pattern');
  t.equal(hint('containers: {c: {setup: [!GemSettings {}]}}\n'), 'did you mean !GemConfig?');
  t.equal(hint('containers: {c: {setup: [!Docker x]}}\n'), 'did you mean !OciImage?');
  t.equal(
    hint('commands: {c: !Docker {}}\n')?.startsWith('known tags: !Command'),
    true,
    'not where it is no step',
  );
  t.equal(hint('containers: {c: {setup: [Install: [a]]}}\n'), 'did you mean !Install?', 'without its !');
  t.equal(hint('containers: {c: {setup: [instal]}}\n'), 'did you mean !Install?');
  t.match(hint('containers: {c: {setup: [!Install git]}}\n'), /^a list is written \[one, two\]/);
  t.match(hint(command('environ: [A=b]')), /^a mapping is written \{NAME: value\}/);
  t.match(hint('commands: {c: {container: a, run: x}}\n'), /^a program in a container is a !Command/);
});

t.test('a key after another one on its line: the fix is shown', async t => {
  const text =
    'containers:\n  c:\n    volumes:\n      /v: !Tmpfs\n        subdirs: postgresql: {mode: 0o700}\n';
  t.match(
    errors(text),
    /^\/project\/vagga\.yaml:5:18: Parse Error: .*\n {4}after subdirs: write postgresql: \{mode: 0o700\} on a line of its own/,
  );
});

t.test('a value over lines that are not indented: the fix is shown', async t => {
  for (const value of ['"a\n  b"', "'a\n  b'", '[a,\n  b]'])
    t.match(
      errors(`commands:\n  c: ${value}\n`),
      /Parse Error: .*\n {4}(a \] is missing, or )?lines after the first must be indented deeper than the key/,
      value,
    );
});

t.test('a key of a volume among the paths: the volume it belongs to is named', async t => {
  const text =
    'containers:\n  c:\n    volumes:\n      /v: !Tmpfs\n        size: 1Mi\n      mode: 0o700\n      /a: !Empty\n';
  t.match(
    errors(text),
    /:6:7: Validation Error: Path must be absolute\n {4}indent mode below \/v if it belongs to that !Tmpfs/,
  );
});

t.test('escaped line breaks, quotes, flow style over lines, carriage returns', async t => {
  const text =
    'commands:\r\n  c: !Command\r\n    container: a\r\n    run: "one \\\r\n      two\\n\\\r\n      three"\r\n    environ: {A: \'it\'\'s\',\r\n      B: "\\u00e9"}\r\n';
  t.match(project(text).commands.c, { run: 'one two\nthree', environ: { A: "it's", B: 'é' } });
});
