import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { realClock, realDisk, realProc } from '@suite/shared/ports/real.ts';
import t, { type Test as Tap } from 'tap';
import { type ApplyMemory, type ApplyOptions, applySchedule } from '../../src/adapters/render/apply.ts';

const ROOT = process.env.SUITE_ROOT ?? '';

/** A configuration directory, a log directory and a place for results. */
interface Place {
  readonly base: string;
  readonly config: string;
  readonly logs: string;
  readonly out: string;
  template(files: Record<string, string>, name?: string): void;
  read(name: string): string | undefined;
}

function place(t: Tap): Place {
  const base = mkdtempSync(join(tmpdir(), 'verwalter-test-'));
  t.teardown(() => rmSync(base, { recursive: true, force: true }));
  const out = join(base, 'out');
  mkdirSync(out);
  return {
    base,
    config: join(base, 'config'),
    logs: join(base, 'log'),
    out,
    template(files, name = 'web') {
      for (const [path, text] of Object.entries(files)) {
        const file = join(base, 'config', 'templates', name, path);
        mkdirSync(dirname(file), { recursive: true });
        writeFileSync(file, text.replaceAll('$OUT', out));
      }
    },
    read(name) {
      const file = join(out, name);
      return existsSync(file) ? readFileSync(file, 'utf8') : undefined;
    },
  };
}

let deployments = 0;

function apply(
  at: Place,
  roles: Record<string, unknown>,
  more: Partial<ApplyOptions> & { data?: Record<string, unknown> } = {},
) {
  const { data, ...options } = more;
  return applySchedule({
    schedule: { hash: 'f'.repeat(40), data: { nodes: { mars: { roles } }, ...data } },
    previousHash: undefined,
    hostname: 'mars',
    configDir: at.config,
    logDir: at.logs,
    dryRun: false,
    proc: realProc,
    disk: realDisk,
    clock: realClock,
    deploymentId: `deployment${++deployments}`,
    ...options,
  });
}

const web = (variables: Record<string, unknown> = {}) => ({ web: { template: 'web', ...variables } });
const log = (at: Place, name: string) => readFileSync(join(at.logs, name, 'latest'), 'utf8');

t.test('render, check, copy, reload', async t => {
  const at = place(t);
  at.template({
    'app.conf.hbs': 'port {{port}} on {{node}} for {{role}}\n',
    'a.render.yaml': `
templates: {conf: app.conf.hbs}
commands:
- !Cmd [grep, -q, "port [0-9]", "{{ files.conf }}"]
- !Copy {src: "{{ files.conf }}", dest: $OUT/app.conf, mode: 0o640}
- !Sh echo "reloaded {{ role }}" >> $OUT/reloads
- !RootCommand [touch, $OUT/root]
`,
  });
  const { roles } = await apply(at, web({ port: 80 }));
  t.match(roles, [{ name: 'web', ok: true, changed: true }]);
  t.equal(at.read('app.conf'), 'port 80 on mars for web\n');
  t.equal(statSync(join(at.out, 'app.conf')).mode & 0o777, 0o640);
  t.equal(at.read('reloads'), 'reloaded web\n');
  t.equal(at.read('root'), '');
  const broken = await apply(at, web({ port: 'none' }));
  t.match(broken.roles, [{ ok: false, error: /^grep .* ended with 1/ }]);
  t.equal(at.read('app.conf'), 'port 80 on mars for web\n', 'the file that works is still there');
  t.equal(at.read('reloads'), 'reloaded web\n', 'nothing after the failed check was done');
  t.same(readdirSync(at.out).sort(), ['app.conf', 'reloads', 'root'], 'no temporary file is left');
});

t.test('a role that did not change is left alone, a failed one is tried again', async t => {
  const at = place(t);
  at.template({
    'v.hbs': '{{value}}',
    'a.render.yaml':
      'templates: {v: v.hbs}\ncommands:\n- !Sh echo x >> $OUT/runs; test "$(cat {{ files.v }})" != bad\n',
  });
  const memory: ApplyMemory = new Map();
  const run = async (value: string, extra = {}) =>
    (await apply(at, web({ value, ...extra }), { memory })).roles[0];
  t.match(await run('one'), { ok: true, changed: true });
  t.match(
    await run('one', { unused: 5 }),
    { ok: true, changed: false },
    'a variable no template uses is no change',
  );
  t.match(await run('two'), { ok: true, changed: true });
  t.match(await run('bad'), { ok: false, changed: true });
  t.match(await run('bad'), { ok: false, changed: true }, 'again');
  t.match(await run('two'), { ok: true, changed: true }, 'what was applied before a failure is not trusted');
  t.equal(at.read('runs'), 'x\n'.repeat(5));
  at.template({ 'a.render.yaml': 'templates: {v: v.hbs}\ncommands:\n- !Sh echo y >> $OUT/runs\n' });
  t.match(await run('two'), { ok: true, changed: true }, 'other commands are a change');
  await apply(at, {}, { memory });
  t.equal(memory.size, 0, 'a role that left is forgotten');
  t.match(
    (await apply(at, web({ value: 'two' }))).roles,
    [{ changed: true }],
    'without memory everything is applied',
  );
});

t.test('several roles: one that fails does not stop the others', async t => {
  const at = place(t);
  at.template({ 'x.render.yaml': 'commands: [!Sh "touch $OUT/{{ role }}"]\n' }, 'ok');
  at.template({ 'x.render.yaml': 'commands: [!Cmd [/nonexistent/program]]\n' }, 'bad');
  const { roles } = await apply(at, {
    z: { template: 'ok' },
    a: { template: 'ok' },
    m: { template: 'bad' },
    n: {},
    o: { template: '../../etc' },
    p: { template: 'missing' },
    'up/down': { template: 'ok' },
  });
  t.same(
    roles.map(({ name, ok }) => [name, ok]),
    [
      ['a', true],
      ['m', false],
      ['n', false],
      ['o', false],
      ['p', false],
      ['up/down', false],
      ['z', true],
    ],
  );
  const errors = Object.fromEntries(roles.map(({ name, error }) => [name, error]));
  t.match(errors, {
    m: /\/nonexistent\/program: no such program/,
    n: /gives no template/,
    o: /outside of templates/,
    p: /no such template directory/,
    'up/down': /no slash/,
  });
  t.same(readdirSync(at.out).sort(), ['a', 'z']);
  t.same((await apply(at, web(), { hostname: 'pluto' })).roles, [], 'an unknown host has no roles');
});

t.test('a mistake anywhere in the set: nothing is done', async t => {
  const at = place(t);
  at.template({ 'a.render.yaml': 'commands: [!Sh "touch $OUT/done"]\n', 'b.hbs': '{{#if}}' });
  t.match((await apply(at, web())).roles, [{ ok: false, error: /^b\.hbs:1:\d+: error: / }]);
  at.template({ 'b.hbs': '{{missing}}', 'b.render.yaml': 'templates: {b: b.hbs}' });
  t.match((await apply(at, web())).roles, [
    { ok: false, error: /b\.hbs:1:3: error: there is no variable "missing"/ },
  ]);
  t.equal(at.read('done'), undefined);
  t.match(log(at, 'web'), /\{\{missing\}\}\n\s+~/, 'the log shows the line and the place');
});

t.test('a command that hangs is ended after its time', async t => {
  const at = place(t);
  at.template({
    'a.render.yaml': 'command-timeout: 1\ncommands: [!Cmd [sleep, "30"], !Sh "touch $OUT/after"]\n',
  });
  const { roles } = await apply(at, web());
  t.match(roles, [{ ok: false, error: /sleep 30: still running after 1000 ms/ }]);
  t.ok((roles[0]?.durationMs ?? 0) < 25_000);
  t.equal(at.read('after'), undefined);
});

t.test('SplitText writes one file per section and deletes the rest', async t => {
  const at = place(t);
  mkdirSync(join(at.out, 'sites'));
  writeFileSync(join(at.out, 'sites', 'old.conf'), 'old');
  writeFileSync(join(at.out, 'sites', 'note.txt'), 'kept');
  at.template({
    'sites.hbs': '{{#each sites}}## {{@key}}\nserver {{this}}\n{{/each}}',
    'a.render.yaml': `
templates: {sites: sites.hbs}
commands:
- !SplitText {src: "{{ files.sites }}", section: "^## (.*)$", validate: "^[a-z]+$", dest: $OUT/sites/(*).conf, mode: 0o600}
`,
  });
  t.match((await apply(at, web({ sites: { one: 1, two: 2 } }))).roles, [{ ok: true }]);
  t.same(readdirSync(join(at.out, 'sites')).sort(), ['note.txt', 'one.conf', 'two.conf']);
  t.equal(at.read('sites/one.conf'), 'server 1\n');
  t.match((await apply(at, web({ sites: { 'A/b': 1 } }))).roles, [
    { ok: false, error: /no valid section name/ },
  ]);
});

t.test('CleanFiles deletes what the list does not name', async t => {
  const at = place(t);
  for (const name of ['a.conf', 'b.conf', 'c.txt']) writeFileSync(join(at.out, name), name);
  const set = (pattern: string) => ({
    'keep.hbs': '{{#each keep}}{{this}}\n{{/each}}',
    'a.render.yaml': `templates: {keep: keep.hbs}\ncommands:\n- !CleanFiles {pattern: ${pattern}, keep-list: "{{ files.keep }}"}\n`,
  });
  at.template(set('$OUT/(*).conf'));
  t.match((await apply(at, web({ keep: ['a'] }), { dryRun: true })).roles, [{ ok: true }]);
  t.ok(existsSync(join(at.out, 'b.conf')), 'not in a dry run');
  t.match((await apply(at, web({ keep: ['a'] }))).roles, [{ ok: true }]);
  t.same(readdirSync(at.out).sort(), ['a.conf', 'c.txt']);
  at.template(set('$OUT/*.conf'));
  t.match(
    (await apply(at, web({ keep: [] }))).roles,
    [{ ok: false, error: /must capture one part/ }],
    'a pattern without group would delete everything',
  );
});

t.test('Condition runs its commands only when a directory changed', async t => {
  const at = place(t);
  const directory = join(at.out, 'conf');
  at.template({
    'v.hbs': '{{value}}',
    'a.render.yaml': `
templates: {v: v.hbs}
commands:
- !Sh 'test {{ role }} = web; v=$(cat {{ files.v }}); if [ "$v" = gone ]; then rm -rf $OUT/conf; else mkdir -p $OUT/conf; printf %s "$v" > $OUT/conf/v; fi'
- !Condition {dirs-changed: [$OUT/conf], commands: [!Sh "echo changed >> $OUT/runs"]}
`,
  });
  const count = async (value: string) => {
    t.match((await apply(at, web({ value }))).roles, [{ ok: true }]);
    return (at.read('runs') ?? '').split('\n').length - 1;
  };
  t.equal(await count('one'), 1, 'appeared');
  t.equal(await count('one'), 1, 'unchanged');
  t.equal(await count('two'), 2, 'changed');
  t.equal(await count('gone'), 3, 'disappeared');
  t.notOk(existsSync(directory));
});

t.test('a dry run does nothing and says everything on standard output', async t => {
  const at = place(t);
  at.template({
    'v.hbs': 'text of v',
    'a.render.yaml':
      'templates: {v: v.hbs}\ncommands:\n- !Sh touch $OUT/x\n- !Copy {src: "{{ files.v }}", dest: $OUT/y}\n- !Condition {dirs-changed: [$OUT], commands: [!Sh "touch $OUT/z"]}\n',
  });
  const memory: ApplyMemory = new Map();
  t.match((await apply(at, web(), { dryRun: true, memory })).roles, [{ ok: true }]);
  t.same(readdirSync(at.out), []);
  t.notOk(existsSync(at.logs));
  t.equal(memory.size, 0);
});

t.test('logs: index marks in order, offsets that point at headings, changes once', async t => {
  const at = place(t);
  mkdirSync(join(at.config, 'sandbox'), { recursive: true });
  writeFileSync(join(at.config, 'sandbox', 'nginx.yaml'), `log-dirs: {nginx: ${at.out}}\n_note: ignored\n`);
  writeFileSync(join(at.out, 'error.log'), '12345');
  at.template({
    'v.hbs': 'secret-free text',
    'a.render.yaml':
      'templates: {v: v.hbs}\ncommands: [!PeekLog nginx/error.log, !PeekLog nginx/none.log, !PeekLog other/x.log, !Sh "echo said; echo warned >&2"]\n',
  });
  const data = { changes: ['web grew', 7, 'two\nlines'] };
  await apply(at, web(), { data, debug: 'printed\n', deploymentId: 'first' });
  await apply(at, web(), { data, previousHash: 'f'.repeat(40), deploymentId: 'second' });
  const index = readFileSync(join(at.logs, '.index', 'latest'), 'utf8')
    .trimEnd()
    .split('\n')
    .map(line => JSON.parse(line));
  const marks = (id: string) =>
    index
      .filter(line => line[1] === id)
      .map(line => (typeof line[3] === 'string' ? line[3] : line[3].variant));
  const role = ['RoleStart', 'ActionStart', 'ExternalLog', 'ExternalLog', 'ActionFinish', 'RoleFinish'];
  t.same(marks('first'), ['DeploymentStart', 'DeploymentChanges', ...role, 'DeploymentFinish']);
  t.same(
    marks('second'),
    ['DeploymentStart', ...role, 'DeploymentFinish'],
    'an equal hash does not repeat the changes',
  );
  t.match(index[0][0], /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  const external = index.filter(line => line[3] === 'ExternalLog').map(line => line[2]);
  t.same(external[0], { variant: 'External', fields: ['nginx/error.log', 5] });
  t.same(external[1], { variant: 'External', fields: ['nginx/none.log', 0] });
  for (const line of index.filter(([, , pointer]) => pointer.variant === 'Role')) {
    const [name, segment, offset] = line[2].fields;
    const text = readFileSync(join(at.logs, name, `log.${segment}.txt`))
      .subarray(offset)
      .toString();
    t.match(text, /^------ \S+Z (first|second) web (Role|Action)/);
  }
  const text = log(at, 'web');
  for (const part of [
    '"template":"web"',
    '+++ v start +++\nsecret-free text\n+++ v end +++',
    'run: sh -exc',
    'said\n',
    'warned',
    'other is no log directory',
  ]) {
    t.ok(text.includes(part), part);
  }
  t.match(log(at, '.global'), /schedule-hash: f+\n\+\+\+ scheduler-debug start \+\+\+\nprinted\n/);
  t.equal(log(at, '.global').match(/printed/g)?.length, 1);
  t.match(log(at, '.changes'), /^\S+Z: ffffffff: web grew\n\S+Z: ffffffff: two lines\n$/);
  t.match(readlinkSync(join(at.logs, 'web', 'latest')), /^log\.\d{14}\.txt$/);
  writeFileSync(join(at.config, 'sandbox', 'bad.yaml'), 'log-dir: {}\n');
  await t.rejects(apply(at, web()), { message: /bad\.yaml:1:1: error: .*log-dir/ });
});

t.test('variables of the daemon, the whole schedule, and a private directory', async t => {
  const at = place(t);
  at.template({
    'v.hbs':
      '{{deployment_id}} {{verwalter_version}} {{#each full_schedule.nodes}}{{@key}}{{/each}} {{#if timestamp}}timed{{/if}}',
    'a.render.yaml':
      'templates: {v: v.hbs}\ncommands: [!Copy {src: "{{ files.v }}", dest: $OUT/v}, !Sh "stat -c %a {{ files.v }} > $OUT/mode; ls {{ files.v }} > $OUT/path"]\n',
  });
  await apply(at, web(), { deploymentId: 'theid' });
  t.equal(at.read('v'), 'theid vtest mars timed');
  t.equal(at.read('mode'), '600\n');
  t.notOk(existsSync(at.read('path')?.trim() ?? ''), 'and it is removed');
});

/** Runs the built command. */
function cli(args: string[], input: { cwd?: string } = {}) {
  const env = { ...process.env };
  delete env.NODE_EXTRA_CA_CERTS;
  const result = spawnSync(process.execPath, [join(ROOT, 'verwalter/bin/verwalter_render.cjs'), ...args], {
    encoding: 'utf8',
    env,
    ...input,
  });
  return { code: result.status, out: result.stdout, err: result.stderr };
}

t.test('verwalter_render: exit codes say what happened to the machine', async t => {
  const at = place(t);
  const version = cli(['--version']).out.trim();
  at.template({
    'v.hbs': '{{x}}',
    'a.render.yaml': 'templates: {v: v.hbs}\ncommands: [!Copy {src: "{{ files.v }}", dest: $OUT/v}]\n',
  });
  at.template({ 'a.render.yaml': 'commands: [!Sh "exit 3"]\n' }, 'fails');
  const base = {
    role: 'web',
    template: 'web',
    deployment_id: 'id',
    verwalter_version: `v${version}`,
    x: 'rendered',
  };
  const run = (variables: unknown, ...more: string[]) =>
    cli(['--config-dir', at.config, '--log-dir', at.logs, ...more, JSON.stringify(variables)]);
  t.match(run(base), { code: 0, err: '' });
  t.equal(at.read('v'), 'rendered');
  t.match(log(at, 'web'), /RoleFinish/);
  t.match(run(base, '--nonsense'), { code: 2, err: /nonsense/ });
  t.match(cli([]), { code: 2, err: /VARS/ });
  const { role: _, ...noRole } = base;
  t.match(run(noRole), { code: 3, err: /no text role/ });
  t.match(run([]), { code: 3, err: /not a JSON object/ });
  t.match(cli(['{']), { code: 3, err: /JSON/ });
  t.match(cli(['--vars-file', '/nonexistent']), { code: 3, err: /no such file/ });
  t.match(run({ ...base, template: undefined }), { code: 4 });
  t.match(run({ ...base, verwalter_version: 'v0.0.1' }), { code: 5, err: /restart the daemon/ });
  t.match(run({ ...base, x: undefined }), {
    code: 10,
    err: /v\.hbs:1:3: error: there is no variable "x" here/,
  });
  t.match(run({ ...base, template: 'fails' }), { code: 20, err: /ended with 3/ });
  writeFileSync(join(at.base, 'file'), '');
  t.match(run(base, '--log-dir', join(at.base, 'file', 'x')), { code: 81, err: /log cannot be written/ });
  writeFileSync(join(at.base, 'vars.json'), JSON.stringify({ ...base, x: 'from file' }));
  writeFileSync(join(at.base, 'schedule.json'), '{"a": 1}');
  const files = [
    '--vars-file',
    join(at.base, 'vars.json'),
    '--schedule-file',
    join(at.base, 'schedule.json'),
  ];
  t.match(cli(['--config-dir', at.config, '--log-dir', at.logs, ...files]), { code: 0 });
  t.equal(at.read('v'), 'from file');
});

t.test('verwalter_render: odd files have a name and a place, and a reader may stop reading', async t => {
  const at = place(t);
  at.template({ 'a.render.yaml': 'templates: {x: x.hbs}\ncommands: []\n', 'x.hbs': 'x' });
  const set = join(at.config, 'templates', 'web');
  writeFileSync(join(set, 'x.hbs'), Buffer.from('one\n# caf\xe9 {{role}}\n', 'latin1'));
  t.match(cli(['-C', set, '{"role": "web"}']), { code: 10, err: /^x\.hbs:2:6: error: this is not UTF-8/ });
  writeFileSync(join(set, 'x.hbs'), '\ufeff\ufffd {{role}}\n');
  t.match(cli(['-C', set, '{"role": "web"}']), { code: 0 }, 'the replacement character itself is UTF-8');
  spawnSync('mkfifo', [join(set, 'pipe.hbs')]);
  t.match(cli(['-C', set, '{"role": "web"}']), { code: 10, err: /pipe\.hbs: a pipe, not a file/ });
  rmSync(join(set, 'pipe.hbs'));
  const program = join(ROOT, 'verwalter/bin/verwalter_render.cjs');
  writeFileSync(join(set, 'x.hbs'), 'a long line\n'.repeat(50_000));
  const script = `"$0" "$1" -C "$2" '{"role": "web"}' | head -n 1`;
  const piped = spawnSync('sh', ['-c', script, process.execPath, program, set], {
    encoding: 'utf8',
    env: { ...process.env, TMPDIR: at.out },
  });
  t.match(piped, { status: 0, stderr: '' });
  t.same(readdirSync(at.out), [], 'no rendered file is left');
  for (let count = 0; count < 1_001; count++) writeFileSync(join(set, `${count}.hbs`), '');
  t.match(cli(['-C', set, '{"role": "web"}']), { code: 10, err: /more than 1000 files/ });
});

t.test('verwalter_render -C: all mistakes of a set at once, with their places', async t => {
  const at = place(t);
  at.template({
    'good.hbs': 'x',
    'bad.hbs': 'a\n{{#if x}}\n{{y}\n',
    'old.tera': '{% if %}',
    'a.render.yaml': 'templates: {good: good.hbs, lost: lost.hbs}\ncommands: []\n',
    'b.render.yaml': 'templates: {good: good.hbs}\ncomands: []\n',
    'c.render.yaml':
      'templates: {good: good.hbs}\ncommands:\n- !Copy {src: "{{ files.godo }}", dest: /x, mode: 644}\n- !Cpoy {}\n',
    'd.render.yaml': 'templates: {good: good.hbs}\ncommands:\n- !Sh cat {{ files.godo }} {{ list }}\n',
    '.hidden.hbs': '{{',
    'backup.hbs~': '{{',
  });
  const set = join(at.config, 'templates', 'web');
  const { code, err } = cli(['-C', set, '{"role": "web"}']);
  t.equal(code, 10);
  const places: [string, string][] = [
    ['bad.hbs:3:4: error: syntax error', ''],
    ['old.tera:1:1: error: templates in .tera are not available', ''],
    ['a.render.yaml:1:35: error: there is no template lost.hbs', ''],
    ['b.render.yaml:2:1: error: ', 'commands'],
    ['c.render.yaml:3:51: error: 644 is no mode', '0o644'],
    ['c.render.yaml:4:3: error: ', '!Copy'],
    ['d.render.yaml:3:7: error: nothing is called {{ files.godo }} here', 'did you mean {{ files.good }}?'],
    ['d.render.yaml:3:7: error: nothing is called {{ list }} here', ''],
  ];
  for (const [head, hint] of places) {
    const at = err.indexOf(head);
    t.ok(at >= 0, `${head}\n${err}`);
    t.ok(err.slice(at, at + 500).includes(hint), hint);
  }
  t.notMatch(err, /hidden|backup/);
});

t.test('verwalter_render -C shows what would be done', async t => {
  const at = place(t);
  at.template({
    'v.hbs': 'rendered {{full_schedule.a}}',
    'a.render.yaml': 'templates: {v: v.hbs}\ncommands: [!Sh "touch $OUT/x"]\n',
  });
  const { code, out } = cli([
    '-C',
    join(at.config, 'templates', 'web'),
    '--schedule',
    '{"a": 7}',
    '{"role": "web"}',
  ]);
  t.equal(code, 0);
  t.match(out, /rendered 7/);
  t.match(out, /\(dry run\) run: sh -exc touch/);
  t.same(readdirSync(at.out), []);
});

t.test('a log that cannot be written does not keep a role from being applied', async t => {
  const at = place(t);
  at.template({
    'v.hbs': 'x\n',
    'a.render.yaml': 'templates: {v: v.hbs}\ncommands:\n- !Copy {src: "{{ files.v }}", dest: $OUT/v}\n',
  });
  const logs = join(at.out, 'in-the-way');
  writeFileSync(logs, 'a file where the directory should be');
  const { roles, logError } = await apply({ ...at, logs }, web());
  t.match(roles, [{ name: 'web', ok: true }]);
  t.equal(at.read('v'), 'x\n');
  t.match(logError, /ENOTDIR|EEXIST/, 'and the caller can say so');
});
