// One container of ours, and podman and skopeo beside it: what each of them makes of the image that it becomes.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { probeRuntime } from '@suite/shared/oci/probe.ts';
import { realProc } from '@suite/shared/ports/real.ts';
import { treeLines } from '../archives/tree.ts';
import { Rig } from './rig.ts';
import { imageProject } from './rig-images.ts';

/** Every build empties these two when it ends: only their times may differ. */
const EMPTIED = /^(\/etc\/(?:hosts|resolv\.conf) .*) \d+$/;

export const filesOf = (path: string): string[] =>
  treeLines(path, { times: true }).map(line => line.replace(EMPTIED, '$1'));

/** In podman's storage that time is its own. */
export const withoutTopTime = ([top = '', ...rest]: string[]): string[] => [
  top.replace(/ \d+$/, ''),
  ...rest,
];

/** Where there are several layers, podman's storage copies those below without them. */
export const withoutAccessLists = (lines: string[]): string[] =>
  lines.map(line => line.replace(/system\.posix_acl_access=\S+ /, ''));

export class PodmanRig {
  readonly rig = imageProject();
  readonly scratch = mkdtempSync(join(tmpdir(), 'vagga-podman-'));
  readonly #environment: NodeJS.ProcessEnv;

  constructor() {
    const { scratch } = this;
    const conf = join(scratch, 'storage.conf');
    const [root, run] = [join(scratch, 'root'), join(scratch, 'run')];
    writeFileSync(conf, `[storage]\ndriver = "vfs"\ngraphroot = "${root}"\nrunroot = "${run}"\n`);
    this.#environment = { ...process.env, CONTAINERS_STORAGE_CONF: conf };
  }

  remove(): void {
    spawnSync('podman', ['system', 'reset', '--force'], { env: this.#environment });
    rmSync(this.scratch, { recursive: true, force: true });
    this.rig.remove();
  }

  /** Runs it in the project; what it prints. */
  program(name: string, ...words: string[]): string {
    const { status, stdout, stderr } = spawnSync(name, words, {
      cwd: this.rig.root,
      env: this.#environment,
      encoding: 'utf8',
    });
    if (status !== 0) throw new Error(`${name} ${words.join(' ')}: ${stderr}`);
    return stdout.trim();
  }

  /** `_export --oci c`; the digest. */
  exported(...words: string[]): string {
    const { code, stdout, stderr } = this.rig.run('_export', '--oci', 'c', ...words);
    if (code !== 0) throw new Error(stderr);
    return stdout.trim();
  }

  /** The container itself. */
  original(): string[] {
    return filesOf(`${this.rig.root}/.vagga/c/.`);
  }

  /** What podman makes of an image that it has. */
  inPodman(image: string): string[] {
    return withoutTopTime(filesOf(this.program('podman', 'image', 'mount', image)));
  }

  /** What a shell in it prints. */
  async podmanRun(image: string, script: string): Promise<string> {
    const runtime = await probeRuntime(realProc);
    if (runtime.kind === 'none') throw new Error(runtime.message);
    const limits = ['--ulimit', 'nofile=1024:1024', '--ulimit', 'nproc=1024:1024', '--cgroups=disabled'];
    const words = ['run', '--rm', '--network=host', ...limits, image, '/bin/sh', '-c', script];
    const [podman = '', ...rest] = runtime.wrap(['podman', '--runtime', runtime.program, ...words]);
    return this.program(podman, ...rest);
  }

  /** What a container of ours has that starts with `step`, where `image` is the project's file or directory `from`. */
  inOurs(t: { teardown(work: () => void): void }, step: string, from: string): string[] {
    const other = new Rig();
    t.teardown(() => other.remove());
    this.program('cp', '-a', from, join(other.root, 'image'));
    other.write('vagga.yaml', `containers:\n  c:\n    setup:\n    - ${step}\n`);
    const { code, stderr } = other.run('_build', 'c');
    if (code !== 0) throw new Error(stderr);
    return filesOf(`${other.root}/.vagga/c/.`);
  }
}
