import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { EXPECTED, HOST_NAMES } from '../../src/demo/defaults.ts';
import { demoId } from '../../src/demo/plan.ts';

const ROOT = process.env.SUITE_ROOT ?? process.cwd();
const DEMO = join(ROOT, '.demo');
const PROGRAM = join(ROOT, 'deploy', 'dist', 'demo.cjs');
const SOAK = process.env.SUITE_SOAK !== undefined;

/** The first start builds the images: half a minute on a quiet machine. */
const START_LIMIT_MS = 300_000;
/** What was told to end must have ended by then. */
const GONE_LIMIT_MS = 60_000;

t.setTimeout(SOAK ? 1_800_000 : 580_000);

interface Run {
  readonly child: ChildProcess;
  readonly ended: Promise<{ code: number | null; stdout: string; stderr: string }>;
  readonly said: () => string;
}

function start(...options: string[]): Run {
  const child = spawn(process.execPath, [PROGRAM, ...options], {
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, SUITE_ROOT: ROOT },
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  const ended = new Promise<{ code: number | null; stdout: string; stderr: string }>(resolve =>
    child.once('close', code => resolve({ code, stdout, stderr })),
  );
  return { child, ended, said: () => stdout + stderr };
}

/** Waits until the demo has printed `text`; false when it ended before. */
async function says(run: Run, text: string): Promise<boolean> {
  const deadline = performance.now() + START_LIMIT_MS;
  let over = false;
  void run.ended.then(() => {
    over = true;
  });
  while (!run.said().includes(text)) {
    if (over || performance.now() > deadline) return false;
    await sleep(20);
  }
  return true;
}

// ---- what a demo may leave behind ----------------------------------------------------------------------------------

/** Traces of the demo on the machine, as readable lines; empty = nothing left. */
function traces(): string[] {
  return [...processes(), ...mounts(), ...links(), ...cgroups(), ...files()];
}

/** Every process that belongs to a demo cgroup, or whose program, directory or root lies in `.demo`. */
function processes(): string[] {
  const pids = readdirSync('/proc').filter(name => /^\d+$/.test(name) && Number(name) !== process.pid);
  return pids
    .filter(belongs)
    .map(pid => `process ${pid} ${read(`/proc/${pid}/cmdline`).replaceAll('\0', ' ')}`);
}

function belongs(pid: string): boolean {
  const stat = read(`/proc/${pid}/stat`);
  if (stat === '' || /\) [ZX] /.test(stat)) return false;
  const paths = ['cwd', 'root', 'exe'].map(name => link(`/proc/${pid}/${name}`));
  const words = `${paths.join(' ')} ${read(`/proc/${pid}/cmdline`)}`;
  return (
    words.includes(DEMO) ||
    words.includes('/srv/host/lithos') ||
    read(`/proc/${pid}/cgroup`).includes(`suite-demo.${demoId(ROOT)}`)
  );
}

function mounts(): string[] {
  return read('/proc/self/mountinfo')
    .split('\n')
    .filter(line => line.includes(DEMO))
    .map(line => `mount ${line}`);
}

function links(): string[] {
  return readdirSync('/sys/class/net')
    .filter(name => name.startsWith(`sd${demoId(ROOT)}`))
    .map(name => `link ${name}`);
}

function cgroups(): string[] {
  const hierarchies = readdirSync('/sys/fs/cgroup').map(name => join('/sys/fs/cgroup', name));
  const wanted = `suite-demo.${demoId(ROOT)}`;
  return ['/sys/fs/cgroup', ...hierarchies]
    .map(base => join(base, wanted))
    .filter(existsSync)
    .map(path => `cgroup ${path}`);
}

function files(): string[] {
  return ['lock', 'state.json', 'hosts']
    .map(name => join(DEMO, name))
    .filter(existsSync)
    .map(path => `file ${path}`);
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function link(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}

/**
 * What stands on the machine, whoever made it: mounts, links, what tools keep below /run and /tmp, and cgroups nobody is in. The
 * difference of two such lists also shows what a helper of the demo (a runtime, a package manager) forgot.
 */
function machine(): Set<string> {
  const below = (directory: string) => names(directory).map(name => join(directory, name));
  return new Set([
    ...read('/proc/self/mountinfo').split('\n'),
    ...below('/sys/class/net'),
    ...below('/run').filter(path => !path.endsWith('.pid')),
    ...below('/run/vagga'),
    ...below('/tmp').filter(path => !path.includes('node-compile-cache')),
    ...names('/sys/fs/cgroup').flatMap(name => emptyCgroups(join('/sys/fs/cgroup', name))),
  ]);
}

function names(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

function emptyCgroups(directory: string): string[] {
  const below = names(directory).flatMap(name => emptyCgroups(join(directory, name)));
  const isGroup = existsSync(join(directory, 'cgroup.procs'));
  return isGroup && read(join(directory, 'cgroup.procs')) === '' ? [directory, ...below] : below;
}

/** The kernel takes a moment to bury what was killed. */
async function tracesAfter(limitMs: number): Promise<string[]> {
  const deadline = performance.now() + limitMs;
  while (traces().length > 0 && performance.now() < deadline) await sleep(50);
  return traces();
}

/** Makes the next start build this image again, so that a moment can fall into a build. */
function forgetImage(name: string): void {
  const roots = join(DEMO, 'images', '.vagga', '.roots');
  const built = existsSync(roots) ? readdirSync(roots).filter(entry => entry.startsWith(`${name}.`)) : [];
  for (const entry of built) rmSync(join(roots, entry), { recursive: true, force: true });
}

t.test('--exit-when-healthy proves the cluster of the slide and takes it down', async t => {
  const { code, stdout, stderr } = await start('--exit-when-healthy', '--json').ended;
  t.equal(code, 0, stderr);
  const summary = JSON.parse(stdout) as {
    ok: boolean;
    cluster: Record<string, unknown>;
    seconds: Record<string, number>;
  };
  t.equal(summary.ok, true);
  t.same(summary.cluster.hosts, HOST_NAMES);
  t.same(summary.cluster.django, EXPECTED.django);
  t.equal(summary.cluster.nginx, 'mars');
  t.equal(summary.cluster.postgres, 'pluto');
  t.same(summary.cluster.visits, { requests: 20, failed: 0, hosts: [...HOST_NAMES].sort() });
  t.match(summary.cluster.leader, /^(jupyter|mars|pluto)$/);
  t.ok((summary.seconds.total ?? 0) > 0);
  t.same(await tracesAfter(0), [], 'nothing is left when it has ended');
});

t.test('a second demo of the same checkout is refused and harms nothing', async t => {
  const first = start();
  t.ok(await says(first, 'Hosts with lithos_tree'), first.said());
  const second = await start('--exit-when-healthy').ended;
  t.equal(second.code, 1);
  t.match(second.stderr, /already runs \(process \d+\)/);
  t.ok(await says(first, 'The cluster is up'), first.said());
  first.child.kill('SIGINT');
  t.equal((await first.ended).code, 0, 'Ctrl-C is the normal end of a running demo');
  t.same(await tracesAfter(GONE_LIMIT_MS), []);
});

t.test('a demo that was killed with -9 leaves no process, and the next start cleans the rest', async t => {
  const killed = start();
  t.ok(await says(killed, 'Hosts with lithos_tree'), killed.said());
  killed.child.kill('SIGKILL');
  await killed.ended;
  const deadline = performance.now() + GONE_LIMIT_MS;
  while (processes().length > 0 && performance.now() < deadline) await sleep(50);
  t.same(processes(), []);
  t.ok(files().length > 0, 'the note of what was made is there');
  const next = start();
  t.ok(await says(next, 'Hosts with lithos_tree'), next.said());
  next.child.kill('SIGTERM');
  t.equal((await next.ended).code, 130);
  t.same(await tracesAfter(GONE_LIMIT_MS), []);
});

/** Runs argv in a terminal of its own, which is closed once the text has appeared; prints how the program ended. */
const CLOSING_TERMINAL = `
import os, pty, sys
pid, terminal = pty.fork()
if pid == 0:
    os.execvp(sys.argv[2], sys.argv[2:])
said = b''
while sys.argv[1].encode() not in said:
    said += os.read(terminal, 65536)
os.close(terminal)
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
`;

t.test('a terminal that is closed ends the demo as its hang-up signal would, and leaves nothing', async t => {
  const words = ['-c', CLOSING_TERMINAL, 'requests per minute', process.execPath, PROGRAM];
  const env = { ...process.env, SUITE_ROOT: ROOT, TERM: 'xterm' };
  const terminal = spawn('python3', words, { env, stdio: ['ignore', 'pipe', 'inherit'] });
  let printed = '';
  terminal.stdout.on('data', (chunk: Buffer) => {
    printed += chunk.toString();
  });
  await new Promise(resolve => terminal.once('close', resolve));
  t.equal(printed.trim(), '-1', 'by SIGHUP');
  t.same(await tracesAfter(0), []);
});

t.test('Ctrl-C at any moment leaves nothing', async t => {
  // After a stage has begun, wait this long. `forget` lets the moment fall into a build.
  const few = [
    { after: '', delayMs: 150, forget: false },
    { after: 'Three hosts', delayMs: 2_500, forget: true },
    { after: 'Images built', delayMs: 130, forget: false },
    { after: 'Hosts with', delayMs: 2_000, forget: false },
  ];
  const more = [
    { after: '', delayMs: 20, forget: false },
    { after: 'Three hosts', delayMs: 700, forget: true },
    { after: 'Three hosts', delayMs: 5_000, forget: true },
    { after: 'Images built', delayMs: 320, forget: false },
    { after: 'Hosts with', delayMs: 5_000, forget: false },
    { after: 'The cluster is up', delayMs: 1_500, forget: false },
  ];
  for (const { after, delayMs, forget } of SOAK ? [...few, ...more] : few) {
    if (forget) forgetImage('django');
    const before = machine();
    const run = start();
    await says(run, after);
    await sleep(delayMs);
    run.child.kill('SIGINT');
    const { code } = await run.ended;
    const where = `${delayMs} ms after "${after}"`;
    t.ok(code === 130 || code === 0 || code === null, `${where}: ended with ${code}`);
    t.same(await tracesAfter(GONE_LIMIT_MS), [], where);
    const more = () => [...machine()].filter(thing => !before.has(thing));
    const deadline = performance.now() + GONE_LIMIT_MS;
    while (more().length > 0 && performance.now() < deadline) await sleep(50);
    t.same(more(), [], `${where}: the machine as before`);
  }
});

if (SOAK) {
  t.test('--script chaos heals within its bars', async t => {
    const { code, stdout, stderr } = await start('--script', 'chaos', '--json').ended;
    const { scenes } = JSON.parse(stdout) as { scenes: { id: string; ok: boolean }[] };
    t.same(
      scenes.filter(scene => !scene.ok),
      [],
      stderr,
    );
    t.same(
      scenes.map(scene => scene.id),
      ['b', 'c', 'd', 'e', 'f'],
    );
    t.equal(code, 0);
    t.same(await tracesAfter(GONE_LIMIT_MS), []);
  });
}
