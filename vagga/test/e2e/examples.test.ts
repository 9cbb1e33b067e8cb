// The projects of vagga/examples as a newcomer meets them: clone, type `vagga`, type a command, look at the result. CI
// runs those with small containers as an ordinary user; SUITE_SOAK=1 all, each as root and as an ordinary user.
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import t, { type Test } from 'tap';
import { type Outcome, Rig, ROOT_AND_USER, type Running, until } from './rig.ts';
import { USER_GID, USER_UID } from './rig-user.ts';

/** Downloading and unpacking PostgreSQL on a busy machine. */
t.setTimeout(540_000);
const SOAK = process.env.SUITE_SOAK === '1';
const EXAMPLES = join(process.env.SUITE_ROOT ?? '', 'vagga/examples');
const MADE = ['.vagga', '_build', 'dist', '__pycache__'];

type As = (typeof ROOT_AND_USER)[number];

const git = (cwd: string, ...words: string[]) =>
  execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@b', ...words], { cwd, stdio: 'pipe' });

/** A repository as an author would have published the example. */
function publish(name: string): string {
  const origin = mkdtempSync(join(tmpdir(), 'vagga-origin-'));
  const filter = (path: string) => !MADE.includes(basename(path));
  for (const part of [name, '.gitignore'])
    cpSync(join(EXAMPLES, part), part === name ? origin : join(origin, part), { recursive: true, filter });
  git(origin, 'init', '-q', '-b', 'main');
  git(origin, 'add', '.');
  git(origin, 'commit', '-qm', 'Example');
  return origin;
}

/** One directory per user, so that Debian is bootstrapped once and every package downloaded once. */
function storage(as: As): string {
  const place = mkdtempSync(join(tmpdir(), 'vagga-storage-'));
  mkdirSync(join(place, 'cache'));
  if (as === 'user') for (const path of [place, join(place, 'cache')]) chownSync(path, USER_UID, USER_GID);
  t.teardown(() => rmSync(place, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 }));
  return place;
}

const STORAGE = { root: storage('root'), user: storage('user') };

/** A clone, as `as` has it. */
class Clone {
  readonly origin: string;
  readonly rig: Rig;
  readonly #settings: Record<string, string>;

  constructor(t: Test, name: string, as: As) {
    this.origin = publish(name);
    this.rig = new Rig({ as });
    // As `git clone` makes it: services have users of their own, who must be able to read the project.
    chmodSync(this.rig.root, 0o755);
    git(this.rig.root, 'clone', '-q', this.origin, '.');
    if (as === 'user') execFileSync('chown', ['-R', `${USER_UID}:${USER_GID}`, this.rig.root]);
    const place = STORAGE[as];
    this.#settings = { VAGGA_SETTINGS: `{storage-dir: ${place}, cache-dir: ${place}/cache}` };
    t.teardown(() => {
      rmSync(this.origin, { recursive: true });
      this.rig.remove();
    });
  }

  vagga(...words: string[]): Outcome {
    return this.rig.runWith(this.#settings, ...words);
  }

  start(...words: string[]): Running {
    return this.rig.start(words, this.#settings);
  }

  /** The commands that the listing shows. */
  commands(): string[] {
    const { code, stderr, stdout } = this.vagga();
    if (code !== 127) throw new Error(stderr);
    return [...`${stdout}${stderr}`.matchAll(/^ {4}(\S+) /gm)].map(([, name = '']) => name);
  }
}

function succeeds(t: Test, outcome: Outcome, shows: RegExp): void {
  t.equal(outcome.code, 0, outcome.stderr.slice(-2000));
  t.match(outcome.stdout + outcome.stderr, shows);
}

const database = (t: Test, as: As) => {
  const clone = new Clone(t, 'database', as);
  t.same(clone.commands(), ['add', 'list']);
  succeeds(t, clone.vagga('list'), /1 +│ This note came with the schema/);
  succeeds(t, clone.vagga('add', "it's", '"quoted"; \\'), /^$/);
  const list = clone.vagga('list');
  succeeds(t, list, /1 +│ This note/);
  t.match(list.stdout, `it's "quoted"; \\`);
  t.equal(list.stderr, '', 'nothing is built or filled again');
};

const network = (t: Test, as: As) => {
  const clone = new Clone(t, 'network', as);
  t.same(clone.commands(), ['pair', 'test']);
  const shown =
    /check \| together: .*\n(.*\n)*check \| parted: .*\n(.*\n)*check \| together again: nothing was lost/;
  succeeds(t, clone.vagga('test'), shown);
};

const sphinx = (t: Test, as: As) => {
  const clone = new Clone(t, 'sphinx', as);
  t.same(clone.commands(), ['check', 'html', 'serve']);
  succeeds(t, clone.vagga('html'), /The manual begins at doc\/_build\/html\/index\.html/);
  t.match(clone.rig.read('doc/_build/html/index.html'), /Keeps ships off the rocks/);
  succeeds(t, clone.vagga('check'), /^$/);
};

/** npm in the container meets the registry through the network of this machine, which may have certificates of its own. */
function trustHost(clone: Clone): void {
  const host = '/etc/ssl/certs/ca-certificates.crt';
  if (!existsSync(host)) return;
  clone.rig.write('host-certificates.crt', readFileSync(host, 'utf8'));
  const trust = '- !Env {NODE_EXTRA_CA_CERTS: /work/host-certificates.crt}';
  const config = clone.rig.read('vagga.yaml');
  clone.rig.write('vagga.yaml', config.replace('- !NpmDep', `${trust}\n    - !NpmDep`));
}

const npm = (t: Test, as: As) => {
  const clone = new Clone(t, 'npm', as);
  trustHost(clone);
  t.same(clone.commands(), ['build', 'test', 'watch']);
  succeeds(t, clone.vagga('test'), /pass 1/);
  t.match(clone.rig.read('dist/page.js'), /Hello, /);
};

const SITE = 'http://127.0.0.1:8000/';
const page = async (init?: RequestInit) => (await fetch(SITE, init)).text();

/** Resolves when the site says so; the first time all containers are built before. */
async function showing(running: Running, pattern: RegExp): Promise<void> {
  let text = '';
  const look = () =>
    page()
      .then(now => {
        text = now;
      })
      .catch(() => {});
  const tries = setInterval(look, 200);
  const over = () => pattern.test(text) || running.child.exitCode !== null;
  await until(over, `${pattern} in ${text}`, 400_000).finally(() => clearInterval(tries));
  if (!pattern.test(text)) throw new Error(running.stderr.slice(-3000));
}

async function interrupted(t: Test, running: Running): Promise<void> {
  running.child.kill('SIGINT');
  t.equal((await running.ended).code, 130, running.stderr.slice(-2000));
}

const django = async (t: Test, as: As) => {
  const clone = new Clone(t, 'django', as);
  t.same(clone.commands(), ['manage', 'psql', 'run', 'test']);
  const first = clone.start('run');
  await showing(first, /<ul><\/ul>/);
  const written = await page({ method: 'POST', body: new URLSearchParams({ text: 'a visitor' }) });
  t.match(written, '<li>a visitor</li>');
  succeeds(t, clone.vagga('manage', 'check'), /no issues/);
  await interrupted(t, first);

  const second = clone.start('_watch', 'run');
  await showing(second, /Guest book.*<li>a visitor<\/li>/);
  const views = 'guestbook/views.py';
  clone.rig.write(views, clone.rig.read(views).replace('Guest book', 'Visitors'));
  await showing(second, /Visitors.*<li>a visitor<\/li>/);
  t.match(second.stdout + second.stderr, '[watch] guestbook/views.py changed: starting site again');
  await interrupted(t, second);

  succeeds(t, clone.vagga('test'), /Ran 1 test/);
};

const USERS = { root: 'as root', user: 'as an ordinary user' };
/** Without soak: what stands on a bare Debian, bootstrapped once. */
const runs = SOAK
  ? Object.entries({ database, network, sphinx, npm, django })
  : Object.entries({ database, network });

for (const as of SOAK ? ROOT_AND_USER : (['user'] as const))
  for (const [name, check] of runs)
    t.test(`example ${name}, ${USERS[as]}: from clean clone to result`, async t => check(t, as));
