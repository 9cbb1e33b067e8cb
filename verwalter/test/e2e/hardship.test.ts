import { execFileSync, spawnSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { encodeElectionPacket } from '@suite/shared/wire/election.ts';
import t from 'tap';
import { Cluster, inOwnNetwork, type Node, SCHEDULER, type Status, until } from './cluster-rig.ts';

// What a daemon must bear: odd requests, dying helpers, large schedules, commands that hang.

inOwnNetwork();
t.setTimeout(240_000);

const cluster = new Cluster(3);
t.teardown(() => cluster.stop());

async function withStatus(node: Node, what: string, accepts: (status: Status) => boolean): Promise<Status> {
  let last: Status | undefined;
  return until(
    what,
    60_000,
    async () => {
      last = await node.status();
      return last !== undefined && accepts(last) ? last : undefined;
    },
    () => `${JSON.stringify(last)}\n${node.log.slice(-1_000)}`,
  );
}

/** Sends bytes as they are; gives what came back until the other side closed. */
function raw(node: Node, text: string): Promise<string> {
  return new Promise(resolve => {
    let answer = '';
    const socket = connect(8_379, node.address, () => socket.write(text));
    socket.setTimeout(10_000, () => socket.destroy());
    socket.on('data', data => {
      answer += data;
    });
    socket.on('error', error => {
      answer += `<${(error as NodeJS.ErrnoException).code}>`;
    });
    socket.on('close', () => resolve(answer));
  });
}

/** The scheduler process of a daemon. */
function workerOf(node: Node): number | undefined {
  const pid = spawnSync('pgrep', ['-P', String(node.child?.pid), '-f', 'lua-worker'], { encoding: 'utf8' });
  return pid.status === 0 ? Number(pid.stdout.split('\n')[0]) : undefined;
}

const post = (length: number | string, type = 'application/json') =>
  `POST /v1/action HTTP/1.1\r\nhost: x\r\ncontent-type: ${type}\r\ncontent-length: ${length}\r\nconnection: close\r\n\r\n`;

t.test('a small cluster', async t => {
  // A ballot that a broken disk left behind is no reason to stay down.
  writeFileSync(join((cluster.nodes[0] as Node).directory, 'storage/election.json'), '\0\0\0');
  await cluster.start();
  let { leader } = await cluster.agree(cluster.nodes, 60_000);
  let follower = cluster.nodes.find(node => node !== leader) as Node;

  await t.test('starts with a damaged ballot file and says so', async t => {
    t.match(cluster.nodes[0]?.log, /the ballot in .* is not usable/);
  });

  await t.test('a body nested too deeply is refused and poisons nothing', async t => {
    const deep = '['.repeat(30_000) + ']'.repeat(30_000);
    t.match(await raw(leader, post(deep.length) + deep), /^HTTP\/1.1 400 .*nested/s);
    t.same(JSON.parse((await leader.request('/v1/pending_actions')).text), {});
    t.equal((await leader.request('/v1/wait_action', { body: {} })).status, 204, 'the scheduler still runs');
  });

  await t.test('odd requests get an answer, not a reset', async t => {
    const mega = JSON.stringify('x'.repeat(1_048_576));
    t.match(await raw(leader, post(mega.length) + mega), /^HTTP\/1.1 413 .*65536 bytes/s);
    t.match(await raw(leader, `${post(1)}{`), /^HTTP\/1.1 400 /);
    t.match(await raw(leader, `${post(2, 'text/plain')}{}`), /^HTTP\/1.1 415 .*application\/json/s);
    t.match(
      await raw(leader, 'POST /v1/action HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n'),
      /^HTTP\/1.1 415 /,
    );
    t.match(await raw(leader, 'nonsense\r\n\r\n'), /^HTTP\/1.1 400 /);
    t.match(
      await raw(leader, 'GET /%ff HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n'),
      /^HTTP\/1.1 400 /,
    );
    t.equal(
      (await leader.request('/v1/force_render_all')).status,
      405,
      'a link or a prefetch renders nothing',
    );
    t.equal((await leader.request('/v1/status', { method: 'DELETE' })).status, 405);
    const before = leader.log.length;
    const gone = connect(8_379, leader.address, () => {
      gone.write(`${post(100)}{`, () => gone.destroy());
    });
    await new Promise(resolve => gone.once('close', resolve));
    t.equal((await leader.request('/v1/wait_action', { body: {} })).status, 204);
    t.notMatch(leader.log.slice(before), /a request failed/, 'a client that goes away is no error of ours');
  });

  await t.test('many who wait on a follower do not keep it from its leader', async t => {
    leader.writeScheduler('return {scheduler = function() error("not now") end}');
    await withStatus(leader, 'the error with its place', status =>
      /main\.lua:1: not now/.test(status.errors.scheduler ?? ''),
    );
    const waiting = Array.from({ length: 6 }, () => follower.request('/v1/wait_action', { body: {} }));
    await until('six waiting', 30_000, async () => {
      const pending = JSON.parse((await leader.request('/v1/pending_actions')).text);
      return Object.keys(pending).length >= 6 || undefined;
    });
    const startedMs = performance.now();
    t.equal((await follower.request('/v1/action', { body: { one: 'more' } })).status, 200);
    t.ok(performance.now() - startedMs < 8_000, `${performance.now() - startedMs} ms`);
    leader.writeScheduler(SCHEDULER);
    for (const answer of await Promise.all(waiting)) t.equal(answer.status, 204);
  });

  await t.test('a scheduler process that is killed or stopped is replaced', async t => {
    const first = await until('a worker', 30_000, () => workerOf(leader));
    process.kill(first, 'SIGKILL');
    t.equal((await leader.request('/v1/wait_action', { body: {} })).status, 204);
    const second = await until('another worker', 30_000, () => workerOf(leader));
    t.not(second, first);
    process.kill(second, 'SIGSTOP');
    const waiting = leader.request('/v1/wait_action', { body: {} });
    await withStatus(leader, 'the error', status => /had to be killed/.test(status.errors.scheduler ?? ''));
    t.equal((await waiting).status, 204);
    await withStatus(leader, 'no error', status => status.errors.scheduler === undefined);
    t.notOk(existsSync(`/proc/${second}`));
  });

  await t.test('what a leader had registered reaches its successor', async t => {
    const presses = async () => {
      const schedule = await follower.schedule();
      return (schedule?.data.state as { presses: number } | undefined)?.presses ?? 0;
    };
    leader.writeScheduler('return {scheduler = function() error("not now") end}');
    await withStatus(leader, 'the error', status => status.errors.scheduler !== undefined);
    const before = await presses();
    t.equal((await follower.request('/v1/action', { body: { button: 'press' } })).status, 200);
    leader.child?.kill('SIGSTOP');
    const old = leader.id;
    await withStatus(follower, 'a new leader', ({ leader }) => leader !== null && leader.id !== old);
    leader.child?.kill('SIGCONT');
    const report = () => leader.log.slice(-2_000);
    await until('the press', 60_000, async () => (await presses()) === before + 1 || undefined, report);
    leader.writeScheduler(SCHEDULER);
    ({ leader } = await cluster.agree(cluster.nodes, 60_000));
    t.not(leader.id, old);
    follower = cluster.nodes.find(node => node !== leader) as Node;
  });

  await t.test(
    'memory, JSON and types of a schedule: each mistake is named, the last schedule stays',
    async t => {
      const { schedule } = await cluster.agree(cluster.nodes, 60_000);
      const cases: [string, RegExp][] = [
        ['return {big = string.rep("x", 1e9)}', /not enough memory/],
        ['return "{"', /not JSON/],
        ['return {f = print}', /schedule\.f: a function/],
        ['local a = nil; return a.b', /main\.lua:1: .*nil value/],
        ['return {big = string.rep("x", 11 * 1024 * 1024)}', /larger than/],
      ];
      for (const [body, wanted] of cases) {
        leader.writeScheduler(`return {scheduler = function() ${body} end}`);
        const failing = await withStatus(leader, body, status => wanted.test(status.errors.scheduler ?? ''));
        t.match(failing, { schedule_id: schedule.hash, election_state: { is_leader: true } }, body);
      }
    },
  );

  await t.test('a schedule of 5 MB reaches the follower and is rendered there', async t => {
    const big = SCHEDULER.replace(
      'return {\n    roles',
      'return {\n    ballast = string.rep("x", 5000000),\n    roles',
    );
    t.not(big, SCHEDULER);
    leader.writeScheduler(big);
    const found = await cluster.agree(
      cluster.nodes,
      60_000,
      ({ schedule }) => (schedule.data.ballast as string | undefined)?.length === 5_000_000,
    );
    await until('it is on disk', 30_000, () => {
      const text = readFileSync(join(follower.directory, 'storage/schedule/schedule.json'), 'utf8');
      return text.includes(found.schedule.hash) || undefined;
    });
    leader.writeScheduler(SCHEDULER);
    await cluster.agree(cluster.nodes, 60_000, ({ schedule }) => schedule.data.ballast === undefined);
  });

  await t.test('a command that hangs ends with its children, and the role says so', async t => {
    const set = join(follower.directory, 'config/templates/web/v1/web.render.yaml');
    const before = readFileSync(set, 'utf8');
    const marker = `31${process.pid}`;
    writeFileSync(set, `command-timeout: 1\ncommands:\n- !Sh "sleep ${marker} | cat"\n`);
    await follower.request('/v1/force_render_all', { method: 'POST' });
    const failed = await withStatus(follower, 'the role failed', status =>
      status.failed_roles.includes('web'),
    );
    t.match(failed.role_states[0]?.error, /still running after 1000 ms/);
    writeFileSync(set, before);
    await withStatus(follower, 'the role is well again', status => status.failed_roles.length === 0);
    await until(
      'no child is left',
      30_000,
      () => spawnSync('pgrep', ['-f', `^sleep ${marker}`]).status === 1 || undefined,
    );
  });

  await t.test('a second node with the same machine id is named', async t => {
    const socket = createSocket('udp4');
    t.teardown(() => socket.close());
    await new Promise<void>(resolve => socket.bind(0, '127.0.0.77', resolve));
    const packet = encodeElectionPacket({
      type: 'Ping',
      id: follower.id,
      epoch: 1,
      schedule: null,
      heard: true,
    });
    socket.send(packet, 8_379, follower.address);
    const status = await withStatus(follower, 'the error', status => status.errors.machine_id !== undefined);
    t.match(status.errors.machine_id, /127\.0\.0\.77.*machine id/);
  });

  await t.test('an address in use is exit code 81 with a sentence', async t => {
    const program =
      process.env.VERWALTER_PROGRAM ?? join(process.env.SUITE_ROOT ?? '.', 'verwalter/bin/verwalter.cjs');
    const second = spawnSync(process.execPath, [program, ...leader.arguments()], {
      encoding: 'utf8',
      timeout: 100_000,
    });
    t.match(second, { status: 81, stderr: /TCP port 8379: .*address already in use/ });
  });

  await t.test('a full storage disk: the leader goes on and recovers by itself', async t => {
    const schedules = join(follower.directory, 'storage');
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4k', 'tmpfs', schedules]);
    t.teardown(() => void spawnSync('umount', ['-l', schedules]));
    mkdirSync(join(schedules, 'schedule'), { recursive: true });
    spawnSync('sh', ['-c', `head -c 9000 /dev/zero > ${schedules}/fill`]);
    t.equal((await follower.request('/v1/wait_action', { body: {} })).status, 204);
    // Another error may come first: the mount also hid the files that were there.
    const isFull = (text: string | undefined) => /ENOSPC|no space/.test(text ?? '');
    const failing = await withStatus(follower, 'the error', status => isFull(status.errors.storage));
    t.equal(failing.schedule_status, 'ok');
    execFileSync('mount', ['-o', 'remount,size=4m', schedules]);
    await withStatus(follower, 'no error', status => status.errors.storage === undefined);
  });

  await t.test('ends within seconds although a command hangs, and takes the command with it', async t => {
    const set = join(follower.directory, 'config/templates/web/v1/web.render.yaml');
    const marker = `32${process.pid}`;
    writeFileSync(set, `commands:\n- !Sh "sleep ${marker} | cat"\n`);
    await follower.request('/v1/force_render_all', { method: 'POST' });
    await until(
      'the command',
      30_000,
      () => spawnSync('pgrep', ['-f', `^sleep ${marker}`]).status === 0 || undefined,
    );
    t.equal(await follower.kill('SIGTERM'), 0, follower.log.slice(-500));
    await until(
      'it has gone',
      30_000,
      () => spawnSync('pgrep', ['-f', `^sleep ${marker}`]).status === 1 || undefined,
    );
  });
});
