// Configs in the style of public ones (spec, Appendix B): every form and every tag that occurs in the wild loads.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { loadProject } from '../../src/config/load.ts';
import type { Project } from '../../src/config/model.ts';
import { STEPS } from '../../src/config/steps/index.ts';
import { VOLUMES } from '../../src/config/volume-schemas.ts';

const DIRECTORY = join(process.env.SUITE_ROOT ?? '', 'vagga/test/fixtures/projects');
const NAMES = readdirSync(DIRECTORY).sort();

const read = (path: string) => (existsSync(path) ? readFileSync(path, 'utf8') : undefined);

function load(name: string): Project {
  const root = join(DIRECTORY, name);
  const loaded = loadProject(root, join(root, 'vagga.yaml'), read);
  if (!loaded.ok) throw new Error(loaded.text);
  t.same(loaded.value.warnings, [], name);
  return loaded.value.project;
}

const projects = new Map(NAMES.map(name => [name, load(name)]));
const project = (name: string) => projects.get(name) as Project;

t.test(
  'all of them load, and every step, volume and kind of command of the format is among them',
  async t => {
    t.ok(NAMES.length >= 25, `${NAMES.length} projects`);
    const containers = [...projects.values()].flatMap(each => Object.values(each.containers));
    const commands = [...projects.values()].flatMap(each => Object.values(each.commands));
    const steps = new Set(containers.flatMap(({ setup }) => setup.map(({ tag }) => tag)));
    t.same(
      Object.keys(STEPS).filter(tag => !steps.has(tag)),
      [],
    );
    const volumes = new Set(containers.flatMap(each => Object.values(each.volumes).map(({ tag }) => tag)));
    t.same(
      Object.keys(VOLUMES).filter(tag => !volumes.has(tag)),
      [],
    );
    t.same(new Set(commands.map(({ kind }) => kind)), new Set(['command', 'supervise', 'capsule']));
  },
);

t.test('the forms of the wild are really there', async t => {
  const texts = NAMES.map(name => readFileSync(join(DIRECTORY, name, 'vagga.yaml'), 'utf8')).join('\n');
  const forms: Readonly<Record<string, RegExp>> = {
    'tag before the first key': /- !AptTrust keys: \[/,
    'tag of a map before its first key': /- !Env HOME: /,
    'anchor before tag': /&\w+ !Command\n/,
    'escaped line break': /"[^"\n]*\\\n/,
    'merge in block style': /^ +<<: \*/m,
    'merge in flow style': /\{ <<: \*/,
    unpack: /- !\*Unpack/,
    include: /!\*Include/,
    mixins: /^mixins:/m,
    'number that is a text': /version: 15\.10/,
    'word that is a text': /DEBUG: yes/,
    'key of another tool': /_expose-ports/,
    'plain text over lines': /run: exec\n +python3\n/,
    'empty structure': /!Tmpfs \{\}/,
    'bare tag': /: !Tmpfs\n/,
  };
  for (const [form, pattern] of Object.entries(forms)) t.match(texts, pattern, form);
});

t.test('what they mean', async t => {
  t.match(project('odd-values').containers.old, {
    setup: [{ tag: 'UbuntuRelease', value: { version: '15.10' } }, { tag: 'Install' }],
    environ: { DEBUG: 'yes', RATIO: '1.50', MODE: '0644', WHEN: '2016-02-29', EMPTY: '', OFF: 'off' },
  });
  t.match(project('odd-values').commands.here, { workDir: '.', run: ['echo', '010', '1e3', 'true', '~x'] });
  t.match(project('rust-tool').containers.rust?.setup[3], {
    value: {
      script: './install.sh --prefix=/usr --components=rustc,rust-std-x86_64-unknown-linux-gnu,cargo',
    },
  });
  t.same(
    project('unpack')
      .containers.app?.setup.map(({ tag, value }) => [tag, value])
      .slice(1, 4),
    [
      ['Install', ['curl', 'git', 'python3', 'python3-dev', 'make']],
      ['EnsureDir', '/srv'],
      ['EnsureDir', '/srv/data'],
    ],
  );
  t.match(project('anchors').commands.all, {
    children: { server: { userId: 1, workDir: '.' }, worker: { environ: { STAGE: 'dev', QUEUE: 'jobs' } } },
  });
  t.match(project('includes-mixins').commands, {
    run: { environ: { STAGE: 'dev', VERSION: '1.10' } },
    doc: { container: 'docs' },
    lint: { container: 'docs' },
  });
  t.match(project('vagga-in-vagga').commands.test, { run: 'exec python3 -m unittest discover' });
  t.match(project('x11').containers.browser?.volumes['/tmp'], {
    value: { subdirs: { '.X11-unix': { mode: 0o755 } } },
  });
  t.match(project('third-party-keys').containers, { web: { setup: [] }, empty: { setup: [] } });
  t.match(project('same-line-tags').containers.erlang?.setup[1], {
    tag: 'AptTrust',
    value: { keys: [/^4349/, '0E55 4FC9'] },
  });
  t.match(project('escaped-breaks').commands, {
    deploy: { run: "rsync -a --delete --exclude '.git' ./ deploy@example.org:/srv/www\n" },
    query: { run: "echo 'quoted' and # not a comment" },
  });
});
