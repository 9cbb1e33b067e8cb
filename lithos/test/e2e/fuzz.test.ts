// Damaged files under a running tree: whatever they say, what runs is not touched.
import { readFileSync, writeFileSync } from 'node:fs';
import { mutate, seededRandom } from '@suite/shared/sim/index.ts';
import t from 'tap';
import { Host } from '../support.ts';

t.setTimeout(300_000);

const SLEEP = 'while :; do sleep 1000; done';
const FILES_OF_A_KIND = 8;

interface Target {
  readonly file: string;
  /** What the tree says when it has read it and it is bad. */
  readonly isNoticed: (h: Host) => boolean;
}

const sandboxIsBad = (h: Host) => h.status()?.sandboxes.find(({ name }) => name === h.sandbox)?.ok === false;

function targets(h: Host): Readonly<Record<string, Target>> {
  return {
    master: { file: h.path('master.yaml'), isNoticed: () => (h.status()?.errors.length ?? 0) > 0 },
    sandbox: { file: h.path(`sandboxes/${h.sandbox}.yaml`), isNoticed: sandboxIsBad },
    process: { file: h.path(`processes/${h.sandbox}.yaml`), isNoticed: sandboxIsBad },
    container: { file: h.path('images/app.1/config/web.yaml'), isNoticed: sandboxIsBad },
  };
}

/** Damaged texts that lithos_check refuses, written to `file`; what is still valid is passed over. */
function* damaged(file: string, isBad: () => boolean): Generator<Buffer> {
  const original = readFileSync(file);
  let found = 0;
  for (let seed = 1; found < FILES_OF_A_KIND; seed++) {
    const bytes = mutate(seededRandom(seed), original, [original]);
    writeFileSync(file, bytes);
    if (isBad()) {
      found++;
      yield bytes;
    }
    writeFileSync(file, original);
  }
}

async function running(): Promise<Host> {
  const h = await Host.make();
  h.containerFile('web', SLEEP, 'variables: {v: !Name}');
  h.processFile('web: {image: app.1, config: /config/web.yaml, instances: 2, variables: {v: one}}\n');
  await h.start();
  await h.running('web.0');
  await h.running('web.1');
  return h;
}

const pids = (h: Host) => h.status()?.instances.map(({ name, pid, run, state }) => [name, pid, run, state]);

t.test('§3.1 last-good: a tree that reads damaged files keeps everything running', async t => {
  const h = await running();
  t.teardown(() => h.dispose());
  const before = pids(h);
  for (const [kind, { file, isNoticed }] of Object.entries(targets(h))) {
    for (const bytes of damaged(file, () => h.check().code === 1)) {
      await h.reload();
      t.ok(isNoticed(h), `${kind}: it says so\n${bytes.toString('latin1').slice(0, 300)}`);
      t.same(pids(h), before, `${kind}: the same runs`);
    }
    await h.reload();
    t.notOk(isNoticed(h), `${kind}: mended`);
  }
  t.same(pids(h), before);
});

t.test('§1.5 switch-steps: lithos_switch refuses damaged files and changes nothing', async t => {
  const h = await running();
  t.teardown(() => h.dispose());
  const before = pids(h);
  const installed = h.path(`processes/${h.sandbox}.yaml`);
  const text = readFileSync(installed, 'utf8');
  const next = h.write('next.yaml', text);
  const isBad = () => h.check('--sandbox', h.sandbox, '--alternate-config', next).code === 1;
  for (const bytes of damaged(next, isBad)) {
    const { code, stderr } = h.run('lithos_switch', '--master', h.path('master.yaml'), h.sandbox, next);
    t.equal(code, 1, bytes.toString('latin1').slice(0, 300));
    t.match(stderr, /next\.yaml:\d+:\d+: error: /);
    t.equal(readFileSync(installed, 'utf8'), text);
    t.same(pids(h), before);
  }
});
