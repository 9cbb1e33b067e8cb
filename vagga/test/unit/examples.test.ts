// The examples of the documentation: one project for each step, all of which load and have an identity.
import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { hashContainer } from '../../src/adapters/image/identity.ts';
import { Layout } from '../../src/adapters/image/layout.ts';
import { Reader } from '../../src/adapters/project/reader.ts';
import { loadProject } from '../../src/config/load.ts';
import { STEPS } from '../../src/config/steps/index.ts';

const EXAMPLES = join(process.env.SUITE_ROOT ?? '', 'vagga/docs/examples');
const directory = mkdtempSync(join(tmpdir(), 'vagga-examples-'));
t.teardown(() => rmSync(directory, { recursive: true }));
cpSync(EXAMPLES, directory, { recursive: true });

const kebab = (tag: string) => tag.replace(/([a-z0-9])([A-Z])/g, '$1-$2').toLowerCase();

/** Versions are described from annotated tags of a repository, which an example cannot bring. */
function makeRepository(root: string): void {
  const git = (...words: string[]) =>
    execFileSync('git', ['-C', root, '-c', 'user.name=x', '-c', 'user.email=x@example.org', ...words]);
  git('init', '-q');
  git('add', '.');
  git('commit', '-qm', 'Start');
  git('tag', '-am', 'First', 'v1.0');
}
makeRepository(join(directory, kebab('GitDescribe')));

t.test('every step has an example, and every example a step', async t => {
  t.same(readdirSync(EXAMPLES).sort(), Object.keys(STEPS).map(kebab).sort());
});

for (const tag of Object.keys(STEPS)) {
  t.test(`!${tag}: the example loads, has an identity and a command to run`, async t => {
    const root = join(directory, kebab(tag));
    const loaded = loadProject(root, join(root, 'vagga.yaml'), new Reader().read);
    if (!loaded.ok) return t.fail(loaded.text);
    const { containers, commands } = loaded.value.project;
    const used = Object.values(containers).flatMap(({ setup }) => setup.map(step => step.tag));
    t.ok(used.includes(tag));
    for (const name of Object.keys(containers))
      t.match(
        hashContainer(new Layout(root), loaded.value.project, name),
        { kind: 'hashed', hash: /^[0-9a-f]{128}$/ },
        name,
      );
    const [command] = Object.values(commands);
    t.ok(command?.kind === 'command' && Object.hasOwn(containers, command.container));
  });
}
