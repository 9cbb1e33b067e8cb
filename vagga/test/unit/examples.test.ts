// The examples of the documentation: one project for each step, all of which load.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { Reader } from '../../src/adapters/project/reader.ts';
import { loadProject } from '../../src/config/load.ts';
import { STEPS } from '../../src/config/steps/index.ts';

const EXAMPLES = join(process.env.SUITE_ROOT ?? '', 'vagga/docs/examples');

const kebab = (tag: string) => tag.replace(/([a-z0-9])([A-Z])/g, '$1-$2').toLowerCase();

t.test('every step has an example, and every example a step', async t => {
  t.same(readdirSync(EXAMPLES).sort(), Object.keys(STEPS).map(kebab).sort());
});

for (const tag of Object.keys(STEPS)) {
  t.test(`!${tag}: the example loads and has a command to run`, async t => {
    const root = join(EXAMPLES, kebab(tag));
    const loaded = loadProject(root, join(root, 'vagga.yaml'), new Reader().read);
    if (!loaded.ok) return t.fail(loaded.text);
    const { containers, commands } = loaded.value.project;
    const used = Object.values(containers).flatMap(({ setup }) => setup.map(step => step.tag));
    t.ok(used.includes(tag));
    const [command] = Object.values(commands);
    t.ok(command?.kind === 'command' && Object.hasOwn(containers, command.container));
  });
}
