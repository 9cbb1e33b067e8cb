import t from 'tap';
import { TIMES } from '../../src/config/defaults.ts';
import type { DesiredInstance } from '../../src/core/desired/types.ts';
import { freshInstance } from '../../src/core/instance/beginnings.ts';
import { step } from '../../src/core/instance/machine.ts';
import type { Instance } from '../../src/core/instance/types.ts';
import { mayStop, notReady, waitsFor } from '../../src/core/order/order.ts';
import { desired } from '../desired.ts';

function of(process: string, index: number, after: string[] = [], sandbox = 'box'): DesiredInstance {
  return desired({ name: `${sandbox}/${process}.${index}`, sandbox, process, index, after });
}

function up(wanted: DesiredInstance): Instance {
  const due = step(freshInstance(wanted, 1, 0), { kind: 'due' }, 0).instance;
  return step(due, { kind: 'started', pid: 1 }, 1).instance;
}

const SETTLED_MS = 1 + TIMES.settleMs;

function waits(wanted: DesiredInstance, all: readonly Instance[], nowMs = SETTLED_MS): string[] {
  return waitsFor(wanted, notReady(all, nowMs));
}

t.test('after: the first start waits until every instance of the named processes is ready', async t => {
  const web = of('web', 0, ['db', 'cache']);
  const [db0, db1, cache] = [up(of('db', 0)), up(of('db', 1)), up(of('cache', 0))];
  const away = freshInstance(of('db', 1), 1, 0);
  t.same(waits(web, [db0, away, cache]), ['db']);
  t.same(waits(web, [db0, db1, cache]), []);
  t.same(waits(web, [db0, cache]), [], 'what is not configured is not waited for');
  const elsewhere = freshInstance(of('db', 0, [], 'other'), 1, 0);
  t.same(waits(web, [db0, cache, elsewhere]), [], 'in its own sandbox only');
  t.same(waits(web, [db0, cache, { ...away, desired: undefined }]), [], 'nor what is being removed');
  t.same(waits(of('web', 0), [away]), []);
});

t.test('after: a program that nobody calls ready has to run for a moment first', async t => {
  const [web, silent] = [of('web', 0, ['db']), up(of('db', 0))];
  t.same(waits(web, [silent], SETTLED_MS - 1), ['db'], 'it may be about to crash');
  t.equal(notReady([silent, freshInstance(of('x', 0), 1, 0)], 2).lookAgainMs, SETTLED_MS);
  t.same(waits(web, [silent]), []);
  const talks = up(desired({ ...of('db', 0), readiness: { kind: 'notify' } }));
  t.same(waits(web, [talks], 99_999), ['db']);
  t.equal(notReady([talks], 2).lookAgainMs, null);
  const ready = step(talks, { kind: 'ready' }, 7).instance;
  t.same(waits(web, [ready], 7), [], 'one that says so is believed at once');
});

t.test('shutdown goes the other way round', async t => {
  const all = [
    of('web', 0, ['app']),
    of('app', 0, ['db']),
    of('app', 1, ['db']),
    of('db', 0),
    of('db', 0, [], 'other'),
  ];
  const wanted = new Map(all.map(each => [each.name, each]));
  const waves: string[][] = [];
  for (let living = all.map(({ name }) => name); living.length > 0; ) {
    const wave = mayStop(living, wanted);
    waves.push(wave.sort());
    living = living.filter(name => !wave.includes(name));
  }
  t.same(waves, [['box/web.0', 'other/db.0'], ['box/app.0', 'box/app.1'], ['box/db.0']]);
  const circle = [of('a', 0, ['b']), of('b', 0, ['a'])];
  const names = circle.map(({ name }) => name);
  t.same(
    mayStop(names, new Map(circle.map(each => [each.name, each]))),
    names,
    'a circle must not keep the host up',
  );
  t.same(mayStop(['box/found.0'], new Map()), ['box/found.0'], 'what nobody configured stops first');
});
