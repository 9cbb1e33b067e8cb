// Ctrl-C between two who listen to it. Programs of their own: whatever else listens here would hide a loss.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { buildSync } from 'esbuild';
import t from 'tap';
import { interruptible } from '../../src/cli/interrupts.ts';

const LISTENER = 5;
const NOBODY = 7;

/** How a program ends that gets SIGHUP in the turn of the event loop in which `interruptible` takes its listeners off, just before. */
function end(test: Pick<typeof t, 'testdir'>, then: string) {
  const text = [
    "import { interruptible } from './src/cli/interrupts.ts';",
    "setImmediate(() => setImmediate(() => process.kill(process.pid, 'SIGHUP')));",
    `setTimeout(() => process.exit(${NOBODY}), 20_000);`,
    `void interruptible(async () => 'done').then(({ code }) => { if (code === 0) ${then}; });`,
  ];
  const outfile = join(test.testdir(), 'program.cjs');
  const stdin = { contents: text.join('\n'), resolveDir: process.cwd(), loader: 'ts' as const };
  buildSync({ stdin, outfile, bundle: true, platform: 'node', format: 'cjs' });
  const { status, signal } = spawnSync(process.execPath, [outfile]);
  return { status, signal };
}

t.test('one that comes in the last moment of the work reaches who listens next', async t => {
  const found = end(t, `process.on('SIGHUP', () => process.exit(${LISTENER}))`);
  t.same(found, { status: LISTENER, signal: null });
});

t.test('where nobody listens next it ends the program as if nobody ever had', async t => {
  t.same(end(t, 'console.log(code)'), { status: null, signal: 'SIGHUP' });
});

t.test('one that comes during the work is its code', async t => {
  const { code, value } = await interruptible(async signal => {
    process.kill(process.pid, 'SIGHUP');
    while (!signal.aborted) await nextTurn();
    return 'ended early';
  });
  t.same({ code, value }, { code: 129, value: 'ended early' });
});
