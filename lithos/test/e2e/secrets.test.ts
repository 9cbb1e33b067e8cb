// Secrets of real containers: in the program's environment, and nowhere else that anybody could look.
import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, readFileSync, statSync } from 'node:fs';
import t from 'tap';
import { Host, until } from '../support.ts';

t.setTimeout(300_000);

const SECRET = 'correct-horse-battery';

async function hostWithKey(test: Pick<typeof t, 'teardown'>): Promise<Host> {
  const h = await Host.make();
  test.teardown(() => h.dispose());
  spawnSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', h.path('key')]);
  h.sandboxFile(`secrets-private-key: ${h.path('key')}\nsecrets-namespaces: [web]`);
  return h;
}

function encrypted(h: Host, secret: string, namespace: string): string {
  const done = h.run('lithos_crypt', 'encrypt', '-k', h.path('key.pub'), '-n', namespace, '-d', secret);
  if (done.code !== 0) throw new Error(done.stderr);
  return done.stdout.trim();
}

const SAY = 'echo "got $PASSWORD"; while :; do sleep 1000; done';

function configure(h: Host, keys: string, script = SAY): void {
  h.containerFile('web', script, `restart-timeout: 0\n${keys}`);
  h.processFile('web: {image: app.1, config: /config/web.yaml}\n');
}

t.test('§4.8 the program gets it; arguments, logs, status and files that others can read do not', async t => {
  const h = await hostWithKey(t);
  configure(
    h,
    `secret-environ: {PASSWORD: "${encrypted(h, SECRET, 'web')}"}`,
    SAY.replace('$PASSWORD', '${#PASSWORD}'),
  );
  await h.start();
  await until('it has said how long the secret is', () => h.output('web.0').includes(`got ${SECRET.length}`));
  const pid = await h.app('web.0');
  t.match(readFileSync(`/proc/${pid}/environ`, 'utf8'), `PASSWORD=${SECRET}`);
  t.notMatch(spawnSync('ps', ['-eww', '-o', 'args']).stdout.toString(), SECRET);
  t.notMatch(h.run('lithos_ps', '--json', '-C', h.path('master.yaml')).stdout, SECRET);
  chmodSync(h.directory, 0o755);
  const asNobody = (text: string) => {
    const user = ['--reuid=65534', '--regid=65534', '--clear-groups'];
    return spawnSync('setpriv', [...user, 'grep', '-rlF', text, h.directory]).stdout.toString();
  };
  t.match(asNobody(h.name('web.0')), 'status.json', 'others can read what is for everybody');
  t.equal(asNobody(SECRET), '', 'no file that others can read has it');
  for (const name of ['instances', 'oci', 'last-good', 'rollouts'])
    t.equal(statSync(h.path(`run/${name}`)).mode & 0o777, 0o700, `root alone may enter ${name}`);
  const asRoot = spawnSync('grep', ['-rlF', SECRET, h.directory]).stdout.toString().trim().split('\n');
  t.ok(
    asRoot.every(file => /\/run\/(instances|oci)\//.test(file)),
    `only bundles have it, ours and the runtime’s copy: ${asRoot}`,
  );
});

t.test('§4.5 a secret wins over environ, and who the container is stays ours to say', async t => {
  const h = await hostWithKey(t);
  const value = (secret: string) => JSON.stringify(encrypted(h, secret, 'web'));
  configure(
    h,
    `secret-environ: {PASSWORD: [${value('late')}], LITHOS_NAME: ${value('forged')}}`,
    'echo "$PASSWORD $LITHOS_NAME"; sleep 1000',
  );
  await h.start();
  await until('it has spoken', () => h.output('web.0').includes(`late ${h.name('web.0')}`));
});

t.test('§2.4 secret-environ-file is read inside the image', async t => {
  const h = await hostWithKey(t);
  h.write('images/app.1/config/secrets.yaml', `PASSWORD: "${encrypted(h, SECRET, 'web')}"\n`);
  configure(h, 'secret-environ-file: secrets.yaml');
  await h.start();
  await until('it has the secret', () => h.output('web.0').includes(`got ${SECRET}`));
});

t.test(
  '§4.8 secret-failure: a secret that cannot be decrypted keeps the container from starting, and says why but not what',
  async t => {
    const h = await hostWithKey(t);
    configure(h, `secret-environ: {PASSWORD: "${encrypted(h, SECRET, 'other')}"}`);
    await h.start();
    const problem = () => h.instance('web.0')?.problem ?? '';
    await until('it is refused', () => /`PASSWORD` cannot be used: .*namespace `other`/.test(problem()));
    t.notMatch(problem() + h.log(), SECRET);
    // The orchestrator may widen access for one entry.
    h.processFile('web: {image: app.1, config: /config/web.yaml, extra-secrets-namespaces: [other]}\n');
    await h.reload();
    await until('it has the secret', () => h.output('web.0').includes(`got ${SECRET}`));
  },
);

t.test('§2.2 the private key must be root’s and readable by nobody else', async t => {
  const h = await hostWithKey(t);
  configure(h, `secret-environ: {PASSWORD: "${encrypted(h, SECRET, 'web')}"}`);
  chmodSync(h.path('key'), 0o640);
  await h.start();
  await until('it is refused', () => /may be read by others/.test(h.instance('web.0')?.problem ?? ''));
  chmodSync(h.path('key'), 0o600);
  chownSync(h.path('key'), 1000, 0);
  await until('it is refused', () => /must belong to root/.test(h.instance('web.0')?.problem ?? ''));
  chownSync(h.path('key'), 0, 0);
  await until('it has the secret', () => h.output('web.0').includes(`got ${SECRET}`));
});

t.test(
  '§1.8 crypt-encrypt, §1.8 crypt-decrypt, §1.8 crypt-check-key and §1.8 crypt-errors: exit codes, what goes to stdout and stderr',
  async t => {
    const h = await hostWithKey(t);
    const value = encrypted(h, SECRET, 'web');
    const clear = h.run('lithos_crypt', 'decrypt', '-i', h.path('key'), '-d', value);
    t.same(clear, { code: 0, stdout: SECRET, stderr: 'web:\n' });
    t.equal(h.run('lithos_crypt', 'check-key', '--key-file', h.path('key.pub'), '--data', value).code, 0);
    spawnSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', h.path('other')]);
    t.equal(h.run('lithos_crypt', 'check-key', '-k', h.path('other.pub'), '-d', value).code, 1);
    t.equal(h.run('lithos_crypt', 'decrypt', '-i', h.path('other'), '-d', value).code, 1);
    t.equal(h.run('lithos_crypt', 'encrypt', '-k', h.path('key.pub'), '-n', 'no colons:', '-d', 'x').code, 1);
    t.equal(h.run('lithos_crypt', 'encrypt').code, 1, 'a bad command line is 1 here');
    t.equal(h.run('lithos_crypt', 'decrypt', '-i', h.path('missing'), '-d', value).code, 1);
    t.equal(h.run('lithos_crypt', '--help').code, 0);
  },
);
