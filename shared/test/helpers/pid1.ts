// PID 1 of a new pid namespace in a test: starts children of its own, inherits orphans, says what became of them.
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { reapOrphans } from '../../src/linux/wait.ts';

const known = new Set<number>();
const orphans: number[] = [];
const ownCodes: (number | null)[] = [];
const OWN = 20;
const ORPHANS = 30;

function zombies(): number {
  const pids = readdirSync('/proc').filter(name => /^\d+$/.test(name) && existsSync(`/proc/${name}/stat`));
  return pids.filter(pid => / Z /.test(readFileSync(`/proc/${pid}/stat`, 'latin1').split(')')[1] ?? ''))
    .length;
}

/** The shell ends at once and leaves its background child to us. */
function startOne(): void {
  const child = spawn('sh', ['-c', '(sleep 0.1; exit 9) & exit 3'], { stdio: 'ignore' });
  if (child.pid !== undefined) known.add(child.pid);
  child.on('exit', code => {
    known.delete(child.pid as number);
    ownCodes.push(code);
  });
}

function finishWhenDone(): void {
  for (const { status } of reapOrphans(known)) orphans.push(status);
  if (ownCodes.length < OWN || orphans.length < ORPHANS) return;
  process.stdout.write(
    JSON.stringify({ pid: process.pid, behind, ownCodes, orphans, zombies: zombies() }),
    () => process.exit(0),
  );
}

/** Both have ended and libuv had no turn yet: the kernel shows Node's own child first, the orphan is behind it. */
function behindOwn(): number[] {
  startOne();
  const pause = new Int32Array(new SharedArrayBuffer(4));
  while (zombies() < 2) Atomics.wait(pause, 0, 0, 5);
  return reapOrphans(known).map(({ status }) => status);
}

const behind = behindOwn();
orphans.push(...behind);
process.on('SIGCHLD', finishWhenDone);
// SIGCHLD may come before libuv took its own child: one more look closes that gap.
setInterval(finishWhenDone, 20);
for (let index = 1; index < OWN; index++) startOne();
const many = spawn('sh', ['-c', 'for i in 1 2 3 4 5 6 7 8 9 10; do (exec sleep 0.05) & done; exit 0'], {
  stdio: 'ignore',
});
if (many.pid !== undefined) known.add(many.pid);
