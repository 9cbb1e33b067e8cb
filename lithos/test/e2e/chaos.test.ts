// Supervisor, monitors and programs die at random moments while the configuration changes; in the end exactly what is
// configured runs, once each. The moments come from a seed, which is printed; SUITE_SEED repeats them.

import { seededRandom } from '@suite/shared/sim/random.ts';
import t from 'tap';
import { Host, processesOf, until } from '../support.ts';

t.setTimeout(300_000);

const ROUNDS = 25;

t.test('exactly what is configured runs, whatever died when', async t => {
  const seed = Number(process.env.SUITE_SEED ?? Date.now() % 1_000_000);
  t.comment(`SUITE_SEED=${seed}`);
  const random = seededRandom(seed);
  const h = await Host.make();
  t.teardown(() => h.dispose());
  h.containerFile(
    'web',
    '(setsid sleep 1000 &); while :; do sleep 1000; done',
    'restart-timeout: 0\nkill-timeout: 1',
  );
  h.sandboxFile('share-namespaces: [pid]', `${h.sandbox}-s`);
  const configure = (instances: number, version: number) => {
    const text = `web: {image: app.1, config: /config/web.yaml, instances: ${instances}, variables: {v: "${version}"}}\n`;
    const file = h.write('next.yaml', text);
    for (const name of [h.sandbox, `${h.sandbox}-s`]) {
      const switched = h.run('lithos_switch', '-C', h.path('master.yaml'), name, file);
      if (switched.code !== 0) throw new Error(switched.stderr);
    }
  };
  const pause = (ms: number) => new Promise(resolve => setTimeout(resolve, random.between(0, ms)));
  const victims = () =>
    [0, 1, 2].flatMap(index => [
      ...processesOf(h.name(`web.${index}`)),
      ...processesOf(`${h.sandbox}-s/web.${index}`),
    ]);
  const kill = (pid: number | undefined) => {
    try {
      if (pid !== undefined) process.kill(pid, 'SIGKILL');
    } catch {
      // It was faster.
    }
  };
  const monitors = () => h.leftOver().filter(pid => pid !== h.tree?.pid);
  let instances = 3;
  configure(instances, 1);
  await h.start();
  for (let round = 0; round < ROUNDS; round++) {
    await pause(120);
    const choice = random.between(0, 5);
    const all = choice === 1 ? monitors() : victims();
    if (choice <= 2) kill(all[Math.floor(random.between(0, all.length))]);
    if (choice === 3) {
      instances = 1 + Math.floor(random.between(0, 3));
      configure(instances, Math.floor(random.between(0, 3)));
    }
    if (choice === 4) {
      await h.listens();
      h.signal('SIGQUIT');
    }
    if (random.next() < 0.4) {
      await h.crash();
      await h.start();
    }
  }
  configure(2, 9);
  const wanted = [h.name('web.0'), h.name('web.1'), `${h.sandbox}-s/web.0`, `${h.sandbox}-s/web.1`];
  const settled = await until('the tree says that all of it runs', () => {
    const running = h.status()?.instances ?? [];
    const good = running.every(
      item => item.state === 'running' && item.identity?.includes('"v":"9"') && item.pid !== null,
    );
    return good && running.length === wanted.length ? running : undefined;
  });
  t.same(settled.map(({ name }) => name).sort(), wanted.sort());
  for (const name of wanted) {
    // With the init where pids are not shared, a shell, its sleep and its daemon.
    const expected = name.includes('-s/') ? 3 : 4;
    await until(`${name} runs once`, () => processesOf(name).length === expected);
  }
  t.same(processesOf(h.name('web.2')), []);
  t.same(processesOf(`${h.sandbox}-s/web.2`), []);
  t.equal(await h.stop(), 0);
  await until('nothing is left', () => h.leftOver().length === 0);
  t.same(h.cgroups(), []);
});
