import { once } from 'node:events';
import { createServer } from 'node:net';
import t from 'tap';
import { listensOn, whoListens } from '../../src/adapters/listeners.ts';

t.test('TCP addresses on which a process listens, read back as they were asked for', async t => {
  const ports: number[] = [];
  for (const host of ['127.0.0.1', '::1', '::']) {
    const server = createServer().listen(0, host);
    await once(server, 'listening');
    t.teardown(() => server.close());
    ports.push((server.address() as { port: number }).port);
  }
  const [v4, v6, all] = ports;
  const wanted = [`127.0.0.1:${v4}`, `[::1]:${v6}`, `[::]:${all}`];
  const tables = new Map();
  t.same(new Set(listensOn([process.pid], tables)), new Set(wanted));
  t.same(new Set(listensOn([process.pid], tables)), new Set(wanted), 'as it was read before');
  t.equal(tables.size, 1);
  t.same(listensOn([], tables), []);
  t.equal(whoListens(v4 as number), undefined, 'nobody but us');
});
