import { spawnSync } from 'node:child_process';
import { chownSync, copyFileSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeBundle } from '@suite/shared/oci/bundle.ts';
import { toOciConfig } from '@suite/shared/oci/config.ts';
import { probeRuntime, type RuntimeChoice } from '@suite/shared/oci/probe.ts';
import { realProc } from '@suite/shared/ports/real.ts';
import type { Bench, Contender, Defer, Prepared } from './harness.ts';
import { type OrdinaryUser, ordinaryUser } from './ordinary-user.ts';
import { timedRun } from './timed.ts';
import { tinySandbox } from './tiny-sandbox.ts';

// How long from typing a command until it has run in a container that is already built. The program is a static
// `true`, so that nothing but the start is timed; every contender starts the same directory.

const PROJECT = `containers:
  tiny:
    setup:
    - !EnsureDir /bin
    - !EnsureDir /etc
    - !EnsureDir /dev
    - !Copy { source: /work/busybox, path: /bin/busybox }
commands:
  start: !Command
    description: Start a program that does nothing
    container: tiny
    run: [/bin/busybox, "true"]
`;
const PROGRAM = ['/bin/busybox', 'true'];

function makeProject(parent: string): string {
  const directory = mkdtempSync(join(parent, 'bench-vagga-'));
  writeFileSync(join(directory, 'vagga.yaml'), PROJECT);
  copyFileSync('/bin/busybox', join(directory, 'busybox'));
  return directory;
}

/** `options` go to the runtime itself: crun can be told to leave the container in the caller's cgroup, as vagga does. */
function raw(
  runtime: RuntimeChoice,
  directory: string,
  bundle: string,
  options: readonly string[] = [],
): Contender {
  let round = 0;
  const run = () => {
    const id = `bench-${process.pid}-${options.length}-${round++}`;
    const state = ['--root', join(directory, 'state')];
    return timedRun(runtime.wrap([runtime.program, ...options, ...state, 'run', '--bundle', bundle, id]));
  };
  if (options.length > 0) return { name: `… ${options.join(' ')}`, role: 'peer', run };
  return { name: `raw ${runtime.kind} run`, role: 'raw', run };
}

const NAME_OF_IMAGE = 'localhost/tiny';

/** What it needs on a machine without systemd, and the network that vagga's containers have. */
function podmanWords(runtime: RuntimeChoice, store: readonly string[]): string[] {
  const engine = ['podman', ...store, '--cgroup-manager=cgroupfs', '--runtime', runtime.program];
  const limits = ['--ulimit', 'nofile=1024:1024', '--ulimit', 'nproc=1024:1024'];
  return [...engine, 'run', '--rm', '--network=host', ...limits];
}

/** podman as people use it: an image of its store. */
function podman(runtime: RuntimeChoice, directory: string, root: string, defer: Defer): Contender {
  const data = join(directory, 'podman-images');
  const store = ['--root', data, '--runroot', join(directory, 'podman-images-run')];
  const archive = join(directory, 'tiny.tar');
  timedRun(['tar', '-C', root, '-cf', archive, '.']);
  timedRun(['podman', ...store, 'import', '--quiet', archive, NAME_OF_IMAGE]);
  defer(() => void spawnSync('umount', [join(data, 'overlay')]));
  const argv = [...podmanWords(runtime, store), NAME_OF_IMAGE, ...PROGRAM];
  return { name: 'podman run --rm IMAGE', role: 'peer', run: () => timedRun(runtime.wrap(argv)) };
}

/** podman as quick as it gets: a plain directory, no storage driver, no event log. */
function podmanDirectory(runtime: RuntimeChoice, directory: string, root: string): Contender {
  const places = ['--root', join(directory, 'podman'), '--runroot', join(directory, 'podman-run')];
  const store = [...places, '--storage-driver=vfs', '--events-backend=none'];
  const argv = [...podmanWords(runtime, store), '--rootfs', root, ...PROGRAM];
  return { name: 'podman run --rm --rootfs', role: 'peer', run: () => timedRun(runtime.wrap(argv)) };
}

function bubblewrap(root: string): Contender {
  const spaces = ['--unshare-pid', '--unshare-ipc', '--unshare-uts'];
  const argv = ['bwrap', '--ro-bind', root, '/', '--proc', '/proc', '--dev', '/dev', ...spaces, ...PROGRAM];
  return { name: 'bwrap', role: 'peer', run: () => timedRun(argv) };
}

/** The whole of it belongs to the user. */
function projectOf({ home, vagga, as }: OrdinaryUser): string {
  const cwd = makeProject(home);
  chownSync(cwd, as.uid, as.gid);
  timedRun([...vagga, '_build', 'tiny'], { ...as, cwd });
  return cwd;
}

/** What nobody can do without: the namespace, and the engine in it. */
async function rawAsUser(runtime: RuntimeChoice, user: OrdinaryUser, root: string): Promise<Contender> {
  const { home, as, inNamespace, gidMappings } = user;
  const bundle = join(home, 'bundle');
  const spec = { ...tinySandbox(root, PROGRAM), insideUserNamespace: { gidMappings } };
  await writeBundle(bundle, toOciConfig(spec));
  for (const path of [bundle, join(bundle, 'config.json')]) chownSync(path, as.uid, as.gid);
  const options = runtime.kind === 'runc' ? [] : ['--cgroup-manager=disabled'];
  const engine = [runtime.program, ...options, '--root', join(home, 'state'), 'run', '--bundle', bundle];
  let round = 0;
  const run = () => timedRun([...inNamespace, ...engine, `bench-user-${round++}`], { ...as, cwd: home });
  return { name: `… unshare ${runtime.kind} run`, role: 'peer', run };
}

async function asUser(runtime: RuntimeChoice, defer: Defer): Promise<Contender[]> {
  const user = ordinaryUser(defer);
  const cwd = projectOf(user);
  const run = () => timedRun([...user.vagga, 'start'], { ...user.as, cwd });
  return [
    { name: 'vagga start, ordinary user', role: 'ours', run },
    await rawAsUser(runtime, user, realpathSync(join(cwd, '.vagga/tiny'))),
  ];
}

async function prepare(defer: Defer): Promise<Prepared> {
  const runtime = await probeRuntime(realProc);
  if (runtime.kind === 'none') throw new Error(runtime.message);
  const directory = makeProject(tmpdir());
  defer(() => rmSync(directory, { recursive: true, force: true }));
  const vagga = join(process.env.SUITE_ROOT ?? '.', 'node_modules/.bin/vagga');
  timedRun([vagga, '_build', 'tiny'], { cwd: directory });
  const root = realpathSync(join(directory, '.vagga/tiny'));
  const bundle = join(directory, 'bundle');
  await writeBundle(bundle, toOciConfig(tinySandbox(root, PROGRAM)));
  const ours: Contender = {
    name: 'vagga start',
    role: 'ours',
    run: () => timedRun([vagga, 'start'], { cwd: directory }),
  };
  const node: Contender = {
    name: 'node, empty program',
    role: 'peer',
    run: () => timedRun([process.execPath, '-e', '']),
  };
  return {
    contenders: [
      ours,
      raw(runtime, directory, bundle),
      ...(process.getuid?.() === 0 ? await asUser(runtime, defer) : []),
      ...(runtime.kind === 'runc' ? [] : [raw(runtime, directory, bundle, ['--cgroup-manager=disabled'])]),
      podman(runtime, directory, root, defer),
      podmanDirectory(runtime, directory, root),
      bubblewrap(root),
      node,
    ],
    notes: [
      ...runtime.reasons,
      'bar: vagga start ≤ raw runtime + 25 ms for root and users, and podman ≥ 3 × as long',
    ],
  };
}

export const vaggaStart: Bench = {
  name: 'vagga-start',
  summary: 'a command in a prebuilt container, start to end',
  rounds: 30,
  prepare,
};
