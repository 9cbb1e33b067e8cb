// What hostile programs in containers try, and what stops each. The programs are in test/helpers/escape; this file runs
// them under a real tree as four kinds of user, and looks from outside whether anything got through.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { EscapeHost, SECRET_WORD } from '../helpers/escape-host.ts';
import { type Host, isAlive, until } from '../support.ts';

t.setTimeout(300_000);

const SLEEP = 'while :; do sleep 1000; done';
const MAP = '[{inside: 0, outside: 100000, count: 2000}]';
const LIMITS = 'memory-limit: 256Mi\npids-limit: 64\nrestart-timeout: 3600';
const VOLUMES = '  /data: !Persistent {path: /data}\n  /cache: !Tmpfs {size: 4Mi}';
const PATIENCE_MS = 60_000;
/** Of a path of ours in the state of the container's descriptors when the runtime enters its working directory. */
const LEAKED_FDS = [3, 4, 5, 6, 7, 8, 9, 10];

interface Culprit {
  readonly script: string;
  readonly keys: string;
  readonly entry?: string;
  readonly volumes?: string;
}

function attempts(...groups: string[]): string {
  return `cd /escape; python3 run.py ${groups.join(' ')}; ${SLEEP}`;
}

const WHO = {
  root: 'user-id: 0',
  user: 'user-id: 1000\ngroup-id: 1000',
  mapped: `user-id: 0\nuid-map: ${MAP}\ngid-map: ${MAP}`,
} as const;
/** Runs of lithos_cmd while a volume of it is exchanged for a link and back. */
const COMMANDS = 15;
/** Calls of which the seccomp list is not the only guard: also stopped without it, by the lack of every capability. */
const WITHOUT_SECCOMP = `${WHO.user}\nseccomp: unconfined`;

function culprits(place: EscapeHost): Record<string, Culprit> {
  const leaks = LEAKED_FDS.map(fd => {
    const script = `cat ${'../'.repeat(30)}${place.host.path('secret')} 2>&1; echo looked from $(pwd -P)`;
    const culprit: Culprit = {
      script: `${script}; ${SLEEP}`,
      keys: `user-id: 0\nworkdir: /proc/self/fd/${fd}\nrestart-timeout: 3600`,
    };
    return [`fd${fd}`, culprit] as const;
  });
  const whole = Object.entries(WHO).map(
    ([name, keys]) => [name, { script: attempts('files', 'kernel', 'spaces'), keys }] as const,
  );
  return {
    ...Object.fromEntries(whole),
    loose: { script: attempts('files', 'kernel', 'spaces'), keys: WITHOUT_SECCOMP },
    shared: { script: attempts('network'), keys: WHO.user },
    forks: { script: 'exec python3 /escape/bombs.py fork', keys: 'user-id: 1000\ncpu-quota: 30' },
    eater: { script: 'exec python3 /escape/bombs.py memory', keys: 'user-id: 1000\nmemory-limit: 48Mi' },
    killer: { script: 'sleep 0.2; kill -9 -1', keys: 'user-id: 0' },
    visited: {
      script: `cd /escape; python3 runtime.py visitors 4; ${SLEEP}`,
      keys: 'user-id: 0\nliveness: !Exec {command: [/bin/true], interval: 1, timeout: 5}',
    },
    racer: {
      script: 'cd /escape; exec python3 runtime.py exchange /data/race/flip /data/race/link',
      keys: WHO.user,
    },
    prey: {
      script: 'cat /prey/secret 2>/dev/null; echo looked; exit 0',
      keys: 'user-id: 0\nnormal-exit-codes: [0]\nrestart-timeout: 0\nrestart-backoff-max: 1',
      entry: ', instances: 4',
      volumes: '  /prey: !Persistent {path: /data/race/flip/sub}',
    },
    // As prey, but run by lithos_cmd.
    hunted: {
      script: 'cat /prey/secret 2>/dev/null; echo looked',
      keys: 'user-id: 0\nkind: Command\ninteractive: true',
      entry: ', kind: Command',
      volumes: '  /prey: !Persistent {path: /data/race/flip/sub}',
    },
    ...Object.fromEntries(leaks),
  };
}

function write(place: EscapeHost, all: Record<string, Culprit>): void {
  const { host } = place;
  host.sandboxFile(
    'allow-users: [0, 1000, 100000-165535]\nallow-groups: [0, 1000, 100000-165535]\nallow-unconfined-seccomp: true',
  );
  for (const [name, { script, keys, volumes }] of Object.entries(all)) {
    const own = keys.split('\n').map(line => line.split(':')[0]);
    const limits = LIMITS.split('\n').filter(line => !own.includes(line.split(':')[0]));
    host.containerFile(name, script, [...limits, keys].join('\n'), {
      volumes: volumes ?? VOLUMES,
      environ: place.environ(),
    });
  }
  const entry = (name: string, more = '') => `${name}: {image: app.1, config: /config/${name}.yaml${more}}\n`;
  host.processFile(
    Object.entries(all)
      .map(([name, culprit]) => entry(name, culprit.entry))
      .join(''),
  );
}

/** Another sandbox, in a network of its own. */
function writePrivate(place: EscapeHost): string {
  const { host } = place;
  const name = `${host.sandbox}-own`;
  host.sandboxFile(`${place.bridge}\nallow-groups: [0, 1000]`, name);
  host.processFile('own: {image: app.1, config: /config/shared.yaml, ip-addresses: [10.44.0.2]}\n', name);
  return name;
}

/** NAME → answer, of the lines `NAME<tab>answer`. */
function answers(lines: readonly string[]): Map<string, string> {
  return new Map(
    lines.flatMap(line => (line.includes('\t') ? [line.split('\t', 2) as [string, string]] : [])),
  );
}

async function tried(h: Host, name: string): Promise<Map<string, string>> {
  await until(`${name} has tried everything`, () => h.output(`${name}.0`).includes('all tried'), PATIENCE_MS);
  return answers(h.output(`${name}.0`));
}

/** What may end an attempt: an error of the kernel, its death, or a sentence that says what it saw instead. */
const STOPPED =
  /^(E[A-Z0-9]+|killed by SIG[A-Z]+|empty: hidden|another file|ran as \d+|was uid 0 before.*|no cgroup file.*|no such calls? on this processor|\d+ processes to be seen, all its own|nothing but its own output.*)$/;

function print(t: Test, table: ReadonlyMap<string, ReadonlyMap<string, string>>): void {
  const names = [...new Set([...table.values()].flatMap(column => [...column.keys()]))];
  const row = (cells: readonly string[]) =>
    cells.map((cell, index) => cell.slice(0, 44).padEnd(index === 0 ? 38 : 26)).join('');
  t.comment(row(['attempt', ...table.keys()]));
  for (const name of names)
    t.comment(row([name, ...[...table.values()].map(column => column.get(name) ?? '')]));
}

t.test('hostile containers', async t => {
  const place = await EscapeHost.make();
  t.teardown(() => place.dispose());
  const h = place.host;
  h.containerFile('bait', SLEEP);
  h.processFile('bait: {image: app.1, config: /config/bait.yaml}\n');
  await place.start();
  await h.running('bait.0');
  place.monitor = Number(readFileSync(h.path(`run/instances/${h.sandbox}/bait.0/1/conmon.pid`), 'utf8'));
  const before = place.state();

  const all = { ...culprits(place), bait: { script: SLEEP, keys: 'user-id: 1000' } };
  write(place, all);
  const own = writePrivate(place);
  t.equal(h.check().stderr, '');
  await h.reload();

  const table = new Map<string, Map<string, string>>();
  for (const name of [...Object.keys(WHO), 'loose']) table.set(name, await tried(h, name));

  for (const name of Object.keys(WHO)) {
    await t.test(`§4.5 hardening: nothing that ${name} tries gets through`, async t => {
      const column = table.get(name) as Map<string, string>;
      t.ok(column.size >= 90, `${column.size} attempts`);
      t.same(
        [...column].filter(([, answer]) => !STOPPED.test(answer)),
        [],
      );
    });
  }
  await t.test(
    'without the system call filter the lack of capabilities still stops what reaches the host',
    async t => {
      const column = [...(table.get('loose') as Map<string, string>)];
      const through = column.filter(([, answer]) => !STOPPED.test(answer)).map(([name]) => name);
      // Own namespaces and private things; a kernel without unprivileged ones allows fewer.
      const harmless =
        /^(unshare\(CLONE_NEWUSER\)|clone3?\(CLONE_NEWUSER\)|add_key|keyctl|request_key|personality|int 0x80|x32 system calls|AF_VSOCK|io_uring_setup|userfaultfd|perf_event_open|open_tree)$/;
      t.same(
        through.filter(name => !harmless.test(name)),
        [],
      );
      t.ok(through.length > 0, 'so an attempt that gets through is noticed');
    },
  );

  await t.test('§4.7 host-network: shared with the host unless bridged, with all that it offers', async t => {
    const shared = await tried(h, 'shared');
    t.match(
      [...shared.values()],
      ['THROUGH: an abstract socket', 'THROUGH: a loopback service'],
      'no isolation at all',
    );
    const file = h.path(`log/stdio/${own}.own.0.log`);
    await until(
      'the other has tried',
      () => existsSync(file) && readFileSync(file, 'utf8').includes('all tried'),
    );
    const alone = answers(
      readFileSync(file, 'utf8')
        .split('\n')
        .map(line => line.split(' ').slice(3).join(' ')),
    );
    table.set('own network', alone);
    t.same([...alone.values()], ['ECONNREFUSED', 'ECONNREFUSED']);
  });

  await t.test('a fork bomb ends at pids-limit, and the supervisor answers', async t => {
    await until('it has hit the limit', () => answers(h.output('forks.0')).has('fork bomb'));
    t.equal(answers(h.output('forks.0')).get('fork bomb'), 'EAGAIN');
    const asked = Date.now();
    await h.reload();
    t.ok(Date.now() - asked < 15_000, `a reload took ${Date.now() - asked} ms meanwhile`);
    const scope = `${h.sandbox}:forks.0.scope`;
    const pids = h.cgroups().map(directory => join(directory, scope, 'pids.current'));
    const count = pids.flatMap(path => {
      try {
        return Number(readFileSync(path, 'utf8'));
      } catch {
        return [];
      }
    });
    t.ok(count.length === 1 && (count[0] as number) <= 64, `${count} processes`);
  });

  await t.test('a memory bomb is killed, and that is what the status says', async t => {
    const exit = await until(
      'it has been killed',
      () => h.instance('eater.0')?.lastExit ?? undefined,
      PATIENCE_MS,
    );
    t.match(exit, { code: 137, outOfMemory: true, words: /out of memory/ });
  });

  await t.test('kill -9 -1 ends at its own init', async t => {
    await until('it has ended', () => h.instance('killer.0')?.lastExit ?? undefined);
    for (const pid of [place.victim, place.monitor, h.treePid()]) t.equal(isAlive(pid), true);
  });

  await t.test(
    'a program cannot overwrite the runtime that enters its container (CVE-2019-5736)',
    async t => {
      const name = 'overwrite the runtime by /proc/PID/exe';
      const said = await until('it has met visitors', () => answers(h.output('visited.0')).get(name));
      t.comment(`${name}: ${said}`);
      t.notMatch(said, 'THROUGH');
      t.match(said, /^[1-9]\d* processes came in/, 'there were some to attack');
    },
  );

  await t.test(
    'a working directory cannot be a descriptor that the runtime left open (CVE-2024-21626)',
    async t => {
      for (const fd of LEAKED_FDS) {
        const looked = await until(`fd ${fd}`, () => {
          const line = h.output(`fd${fd}.0`).find(each => each.startsWith('looked from'));
          return line ?? h.instance(`fd${fd}.0`)?.problem ?? undefined;
        });
        t.comment(`workdir /proc/self/fd/${fd}: ${looked}`);
        t.notMatch(h.output(`fd${fd}.0`).join('\n'), SECRET_WORD);
      }
    },
  );

  await t.test(
    'a volume that another container exchanges for a link never shows what the link names',
    async t => {
      const starts = () =>
        [0, 1, 2, 3].flatMap(index => h.output(`prey.${index}`)).filter(line => line === 'looked').length;
      const refused = () =>
        [0, 1, 2, 3].map(index => h.instance(`prey.${index}`)?.failures ?? 0).reduce((a, b) => a + b);
      await until(
        'they were started and refused often',
        () => starts() >= 5 && starts() + refused() >= 30,
        PATIENCE_MS,
      );
      t.comment(`${starts()} starts with the right directory, ${refused()} refused`);
      t.notMatch([0, 1, 2, 3].flatMap(index => h.output(`prey.${index}`)).join('\n'), SECRET_WORD);
    },
  );

  await t.test('nor does it in a command', async t => {
    const runs: { readonly stdout: string }[] = [];
    const looks = () => runs.filter(({ stdout }) => stdout.includes('looked')).length;
    const endMs = Date.now() + PATIENCE_MS;
    while (runs.length < COMMANDS || (looks() === 0 && Date.now() < endMs))
      runs.push(h.run('lithos_cmd', '-C', h.path('master.yaml'), h.sandbox, 'hunted'));
    const looked = looks();
    t.comment(`${looked} of ${runs.length} commands were run, the others refused`);
    t.ok(looked > 0);
    t.notMatch(runs.map(({ stdout }) => stdout).join('\n'), SECRET_WORD);
  });

  t.match(h.instance('bait.0')?.restarts, 0, 'the others were not disturbed');
  t.equal(await h.stop(), 0);
  print(t, table);
  t.same(place.state(), before, 'from outside nothing has changed');
  t.same(readdirSync(h.path('data/race/flip')), ['sub'], 'nor got through a link');
  t.same(
    h.leftOver().filter(pid => pid !== place.guard),
    [],
  );
});
