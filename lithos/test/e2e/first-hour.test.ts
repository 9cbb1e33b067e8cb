// docs/first-hour.md, done as it stands there: a new operator's first hour has to work.
import { spawnSync } from 'node:child_process';
import { chmodSync, closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { freePort } from '@suite/shared/linux/free-port.ts';
import t from 'tap';
import { command, Host, isAlive, until } from '../support.ts';

t.setTimeout(300_000);

const PAGE = readFileSync(join(process.env.SUITE_ROOT ?? '..', 'lithos/docs/first-hour.md'), 'utf8');
const COMMANDS = ['tree', 'check', 'switch', 'ps', 'cmd', 'logs'];

interface Fence {
  readonly language: string;
  readonly words: readonly string[];
  readonly text: string;
}

function fences(page: string): Fence[] {
  return [...page.matchAll(/^```(\w+) ?(.*)\n([\s\S]*?)^```$/gm)].map(
    ([, language = '', words = '', text = '']) => ({
      language,
      words: words.split(' '),
      text,
    }),
  );
}

/** Paths of a whole machine become paths of a little host, and its commands know the master file. */
function moved(h: Host, text: string, port: number): string {
  return text
    .replaceAll('/var/lib/lithos/containers', h.path('images'))
    .replaceAll('/etc/lithos', h.path('etc'))
    .replaceAll('/run/lithos', h.path('run'))
    .replaceAll('/srv/web', h.path('srv'))
    .replaceAll('8080-8089', String(port))
    .replaceAll('8080', String(port));
}

function makeCommands(h: Host): string {
  mkdirSync(h.path('bin'));
  for (const name of COMMANDS) {
    const file = h.write(
      `bin/lithos_${name}`,
      `#!/bin/sh\nexec ${process.execPath} ${command(`lithos_${name}`)} -C ${h.path('etc/master.yaml')} "$@"\n`,
    );
    chmodSync(file, 0o755);
  }
  return h.path('bin');
}

t.test('the first hour of a new operator', async t => {
  const h = await Host.make();
  t.teardown(() => h.dispose());
  const port = await freePort();
  const path = `${makeCommands(h)}:${process.env.PATH}`;
  h.write('etc/master.yaml', readFileSync(h.path('master.yaml'), 'utf8'));
  const sandbox = `image-dir: ${h.path('images')}\n`;
  const { NODE_EXTRA_CA_CERTS: _slow, ...rest } = process.env;
  const told: string[] = [];
  // To a file of its own each time: the tree that one of them starts goes on writing to its own.
  const run = (script: string): number | null => {
    const output = h.path(`output${told.length}`);
    const fd = openSync(output, 'a');
    const argv = ['-e', '-o', 'pipefail', '-c', script];
    const env = { ...rest, PATH: path, NO_COLOR: '1' };
    const result = spawnSync('bash', argv, {
      cwd: h.directory,
      env,
      stdio: ['ignore', fd, fd],
      timeout: 60_000,
    });
    closeSync(fd);
    told.push(readFileSync(output, 'utf8'));
    return result.status;
  };
  // Whatever happens, what the page has started is stopped.
  t.teardown(() => run('kill -TERM "$(cat run/master.pid)" || true'));
  for (const { language, words, text } of fences(PAGE)) {
    const [first = '', file = ''] = words;
    const here = moved(h, text, port);
    if (language === 'yaml') {
      const target = join(file.startsWith('/') ? '/' : h.directory, moved(h, file, port));
      mkdirSync(dirname(target), { recursive: true });
      writeFileSync(target, first === 'sandbox' ? sandbox + here : here);
    } else if (first !== 'install') {
      const code = run(here);
      t.equal(code !== 0, first === 'fails', `${text}\n${told.at(-1)}`);
    }
  }
  const all = told.join('\n');
  t.match(all, /\d+ tree \S+master\.yaml.*\n {2}└─web .*\n {6}└─\d+ web\/site\.0 /, 'it ran');
  t.match(all, /web\/site\.0 is stopped, then started .*image web\.1 → web\.2/, 'the dry run');
  t.match(all, /^hello\nI am web\/cmd\.ask\.\d+\nit ended with 7$/m, 'the page and the command');
  t.match(all, /1 restart, last killed by SIGKILL|restarts, last killed by SIGKILL/);
  t.match(
    all,
    /broken\.yaml:1:49: error: the key "instence" is not known here[\s\S]*did you mean instances\?/,
  );
  const pid = Number(readFileSync(h.path('run/master.pid'), 'utf8'));
  await until('the tree has stopped', () => !isAlive(pid));
  t.same(h.leftOver(), []);
});
