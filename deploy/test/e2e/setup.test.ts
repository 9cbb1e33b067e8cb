import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';

const ROOT = process.env.SUITE_ROOT ?? process.cwd();

// ---- npm start on a machine that has nothing ----------------------------------------------------------------------

/** A checkout with nothing but the set-up: what it must not touch is visible. In the path: a blank. */
function freshCheckout(t: { teardown(run: () => void): void }): string {
  const above = mkdtempSync(join(tmpdir(), 'fresh '));
  chmodSync(above, 0o755);
  t.teardown(() => rmSync(above, { recursive: true, force: true }));
  const checkout = join(above, 'a checkout');
  mkdirSync(join(checkout, 'deploy'), { recursive: true });
  cpSync(join(ROOT, 'deploy', 'setup'), join(checkout, 'deploy', 'setup'), { recursive: true });
  return checkout;
}

const NOBODY = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', '--inh-caps=+dac_read_search'];

function start(checkout: string, flags: readonly string[], prefix: readonly string[] = [], env = {}) {
  const words = [...prefix, process.execPath, join(checkout, 'deploy/setup/start.mjs'), ...flags];
  const [program = '', ...rest] = words;
  return spawnSync(program, rest, { cwd: '/', encoding: 'utf8', env: { ...process.env, ...env } });
}

t.test('npm start looks before it changes anything', async t => {
  const checkout = freshCheckout(t);
  const wrong = start(checkout, ['--exit-when-heathy']);
  t.equal(wrong.status, 2);
  t.match(wrong.stderr, /exit-when-heathy.*\n[\s\S]*Usage: npm start/);
  const script = start(checkout, ['--script', 'havoc']);
  t.equal(script.status, 2);
  t.match(script.stderr, /--script havoc: the only script is chaos/);
  const help = start(checkout, ['--help'], [...NOBODY, '--ambient-caps=+dac_read_search']);
  t.equal(help.status, 0, help.stderr);
  t.match(help.stdout, /^Usage: npm start/);
  t.same(readdirSync(checkout), ['deploy']);
});

t.test('without root it names the command for an administrator', async t => {
  const checkout = freshCheckout(t);
  const nobody = [...NOBODY, '--ambient-caps=+dac_read_search'];
  const refused = start(checkout, ['--script', 'chaos'], nobody);
  t.equal(refused.status, 2);
  t.match(refused.stderr, `Run, in ${checkout}:`);
  t.match(refused.stderr, /sudo .*npm start -- --script chaos\n/);
  t.match(refused.stderr, /Nothing was changed/);
  t.same(readdirSync(checkout), ['deploy']);
});

t.test('a failed set-up says which step, and what to look at', async t => {
  const checkout = freshCheckout(t);
  const tools = join(checkout, 'tools');
  mkdirSync(tools);
  for (const name of ['npm', 'apt-get']) {
    writeFileSync(join(tools, name), '#!/bin/sh\necho "no route to host" >&2\nexit 7\n', { mode: 0o755 });
  }
  const failed = start(checkout, [], [], { PATH: `${tools}:${process.env.PATH}` });
  t.equal(failed.status, 2);
  t.match(failed.stderr, /no route to host/);
  t.match(failed.stderr, /(npm packages|package lists) failed: .*exit code 7.*\n.*reachable|right/);
  t.notMatch(failed.stderr, /\n {4}at /, 'no stack');
  t.notOk(existsSync(join(checkout, 'node_modules')));
});
