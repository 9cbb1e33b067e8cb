// What makes a start quick: code caches that V8 accepts, and a start-up cache that is right. How quick it is says `npm run bench`.
import { spawnSync } from 'node:child_process';
import { readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { HOW, isFresh, type Stamp, stampOf } from '../../src/adapters/project/stamps.ts';
import { Rig, until, VAGGA } from './rig.ts';

const rig = new Rig();
t.teardown(() => rig.remove());

rig.write(
  'vagga.yaml',
  `containers:
  c: {setup: [!Debian bookworm]}
commands:
  true: !Command {container: c, run: [/bin/true]}
`,
);

const dist = join(VAGGA, '../../dist');
const codeCaches = () =>
  readdirSync(dist)
    .filter(name => name.endsWith('.cache'))
    .map(name => [name, statSync(join(dist, name), { bigint: true }).mtimeNs]);

t.test('V8 takes the code caches of the build as they are', async t => {
  const before = codeCaches();
  const withoutFlags = (...words: string[]) =>
    spawnSync(process.execPath, [VAGGA, ...words], { cwd: rig.root, encoding: 'utf8' });
  t.equal(rig.run('true').code, 0, 'built by the full program');
  t.equal(rig.run('true').code, 0, 'started by the short one');
  t.equal(rig.run().code, 127, 'the list');
  t.equal(withoutFlags('true').status, 0);
  t.equal(withoutFlags('_list').status, 0);
  t.same(codeCaches(), before, 'what is refused would have been written anew');
});

t.test('the start-up cache notices what it must', async t => {
  t.equal(rig.run().stderr.includes('extra'), false);
  rig.write('vagga.local.yaml', 'commands:\n  extra: !Command {container: c, run: x}\n');
  t.ok(rig.run().stderr.includes('extra'), 'a mixin that appears');
  rig.write('vagga.yaml', `${rig.read('vagga.yaml')}  more: !Command {container: c, run: "true"}\n`);
  t.ok(rig.run().stderr.includes('more'), 'an edit');
  rig.write('.vagga/vagga.yaml', 'commands:\n  other: !Command {container: c, run: x}\n');
  t.ok(rig.run().stderr.includes('other'), 'a main file that takes precedence');
  rmSync(join(rig.root, '.vagga/vagga.yaml'));
  t.ok(rig.run().stderr.includes('more'), 'and its end');
  rig.write('.vagga/.start-cache.json', '{"broken');
  t.equal(rig.run('more').code, 0, 'a damaged cache is no problem');
});

t.test('a file changed within this timer tick is never taken for unchanged', async t => {
  const file = join(rig.root, 'tick');
  const isEarly = (stamp: Stamp) => stamp[1] === HOW.unsettled;
  let early = stampOf(file);
  // Between the two calls another program may have its turn for longer than a tick.
  await until(() => {
    writeFileSync(file, 'one');
    early = stampOf(file);
    return isEarly(early);
  }, 'a look within the tick');
  t.notOk(isFresh([early]), 'an edit of the same size may follow with the same time');
  await until(() => isFresh([stampOf(file)]), 'the time has settled');
  const settled = stampOf(file);
  t.notOk(isFresh([early]));
  writeFileSync(file, 'two');
  t.notOk(isFresh([settled]));
});
