// posix_spawn by ourselves: what the child gets, and how its end is learned.
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { type Descriptors, spawnProgram } from '../../src/linux/spawn.ts';
import { reap } from '../../src/linux/wait.ts';

const POLL_MS = 5;
const OURS: Descriptors = ['ignore', 'inherit', 'inherit'];

const directory = mkdtempSync(join(tmpdir(), 'spawn-'));
t.teardown(() => rmSync(directory, { recursive: true, force: true }));

function start(argv: readonly string[], descriptors = OURS): number {
  const started = spawnProgram(argv, descriptors);
  if ('error' in started) throw new Error(started.error);
  return started.pid;
}

async function statusOf(pid: number): Promise<number> {
  for (;;) {
    const end = reap(pid);
    if (end !== undefined) return end.status;
    await sleep(POLL_MS);
  }
}

/** What a shell writes to the file in $OUT. */
async function told(script: string, descriptors = OURS): Promise<string> {
  process.env.OUT = join(directory, 'out');
  const status = await statusOf(start(['sh', '-c', script], descriptors));
  if (status !== 0) throw new Error(`the shell ended with ${status}`);
  return readFileSync(process.env.OUT, 'utf8');
}

t.test('exit codes and signals, as shells say them', async t => {
  t.equal(await statusOf(start(['sh', '-c', 'exit 7'])), 7);
  t.equal(await statusOf(start(['sh', '-c', 'kill -TERM $$'])), 143);
  const pid = start(['sleep', '600']);
  t.equal(reap(pid), undefined, 'it runs');
  process.kill(pid, 'SIGKILL');
  t.equal(await statusOf(pid), 137);
});

t.test('the program is looked for in PATH, the environment is ours', async t => {
  process.env.SPAWN_TEST = 'größer = "ja"\nzwei';
  t.equal(await told('printf %s "$SPAWN_TEST" >"$OUT"'), process.env.SPAWN_TEST);
});

t.test('what cannot be started is said, and no child is left', async t => {
  t.same(spawnProgram(['no-such-program'], OURS), { error: 'spawn no-such-program ENOENT' });
  t.same(spawnProgram([directory], OURS), { error: `spawn ${directory} EACCES` });
});

t.test('descriptors 0, 1 and 2 and none that Node has opened', async t => {
  t.equal(await told('cat >"$OUT"'), '', 'input that is ignored is at its end');
  const script = 'exec ls /proc/self/fd >"$OUT"';
  const found = await told(script);
  spawnSync('sh', ['-c', script], { stdio: ['ignore', 'inherit', 'inherit'] });
  t.equal(found, readFileSync(process.env.OUT ?? '', 'utf8'), 'as with node:child_process');
});

t.test('no signal is ignored or blocked, though Node ignores SIGPIPE', async t => {
  const lines = (await told('grep ^Sig[BI] /proc/self/status >"$OUT"')).trim().split('\n');
  t.equal(lines.length, 2);
  for (const line of lines) t.match(line, /^Sig(?:Blk|Ign):\s0+$/);
});

t.test('children of node:child_process beside it keep their ends', async t => {
  const ours = start(['sh', '-c', 'exit 3']);
  const child = spawn('sh', ['-c', 'exit 4'], { stdio: 'ignore' });
  const theirs = new Promise(resolve => child.once('exit', resolve));
  t.equal(await theirs, 4);
  t.equal(await statusOf(ours), 3);
});
