// A whole little host in a temporary directory: four config files, an image made of this machine's own programs,
// and real supervisors, containers and commands.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { ownCgroupMounts, removeCgroup } from '@suite/shared/linux/cgroup-files.ts';
import { isAlive } from '@suite/shared/linux/proc.ts';
import { hostImage } from '@suite/shared/oci/trial.ts';
import type { InstanceStatus, TreeStatus } from '@suite/shared/wire/lithos.ts';

const ROOT = process.env.SUITE_ROOT ?? join(process.cwd(), '..');
/** What does not come within this time on a busy machine does not come. */
const DEADLINE_MS = 60_000;
const POLL_MS = 10;

export interface CommandResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export function command(name: string): string {
  return join(ROOT, 'lithos', 'bin', `${name}.cjs`);
}

function environment(): NodeJS.ProcessEnv {
  const { NODE_EXTRA_CA_CERTS: _slow, LITHOS_TREE_MOVED: _ours, ...rest } = process.env;
  return { ...rest, TERM: 'dumb', NO_COLOR: '1' };
}

/** Waits for a condition, not for time: resolves with the first value that is not undefined or false. */
export async function until<T>(
  what: string,
  look: () => T | undefined | false,
  deadlineMs = DEADLINE_MS,
): Promise<T> {
  const giveUp = Date.now() + deadlineMs;
  for (;;) {
    const found = look();
    if (found !== undefined && found !== false) return found;
    if (Date.now() > giveUp) throw new Error(`waited ${deadlineMs} ms in vain until ${what}`);
    await new Promise(resolve => setTimeout(resolve, POLL_MS));
  }
}

export { isAlive };

/** Pids (as we see them) whose environment names this instance: everything that runs in the container. */
export function processesOf(instance: string): number[] {
  return readdirSync('/proc')
    .filter(name => /^\d+$/.test(name))
    .map(Number)
    .filter(pid => {
      try {
        const environ = readFileSync(`/proc/${pid}/environ`, 'utf8');
        return environ.split('\0').includes(`LITHOS_NAME=${instance}`) && isAlive(pid);
      } catch {
        return false;
      }
    });
}

/** A file of a process; empty when it has just gone. */
export function procFile(pid: number, name: string): string {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'latin1');
  } catch {
    return '';
  }
}

/** None when it has just gone. */
export function childrenOf(pid: number): number[] {
  return procFile(pid, `task/${pid}/children`)
    .split(' ')
    .filter(word => word !== '')
    .map(Number);
}

/** Words in front of the tree's own command line, or a command line made from it. */
type Through = readonly string[] | ((argv: readonly string[]) => readonly string[]);

export class Host {
  readonly directory: string;
  /** Names the instances of this host alone, so that parallel hosts do not see each other's processes. */
  readonly sandbox: string;
  readonly cgroup: string;
  tree: ChildProcess | undefined;
  /** What the last tree has written to stderr. */
  said = '';
  private systemVolumes = '';
  private wrapped = false;

  private constructor() {
    this.directory = mkdtempSync(join(tmpdir(), 'lithos-'));
    this.sandbox = `box${process.pid}-${this.directory.slice(-6).replaceAll(/\W/g, '_')}`;
    this.cgroup = `lithos-test-${process.pid}/${this.sandbox}.slice`;
  }

  static async make(master = ''): Promise<Host> {
    const host = new Host();
    for (const name of ['sandboxes', 'processes', 'images', 'data']) mkdirSync(host.path(name));
    host.write(
      'master.yaml',
      [
        `runtime-dir: ${host.path('run')}`,
        `default-log-dir: ${host.path('log')}`,
        `config-log-dir: ${host.path('log/config')}`,
        `stdio-log-dir: ${host.path('log/stdio')}`,
        `cgroup-name: ${host.cgroup}`,
        'log-level: debug',
        master,
      ].join('\n'),
    );
    await host.image('app.1');
    host.sandboxFile('');
    return host;
  }

  path(name: string): string {
    return join(this.directory, name);
  }

  write(name: string, text: string): string {
    const file = this.path(name);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
    return file;
  }

  /** An image that shows this machine's programs; every container mounts them with the volumes of `containerFile`. */
  async image(name: string): Promise<void> {
    const root = this.path(`images/${name}`);
    const mounts = await hostImage(root);
    for (const directory of ['etc', 'tmp', 'config', 'data', 'cache', 'state'])
      mkdirSync(join(root, directory));
    this.systemVolumes = mounts.map(({ target }) => `  ${target}: !Readonly /host${target}`).join('\n');
  }

  /** Keys of `extra` take the place of those here. */
  sandboxFile(extra: string, name = this.sandbox): void {
    const given = new Set([...extra.matchAll(/^([\w-]+):/gm)].map(match => match[1]));
    const usual = [
      `image-dir: ${this.path('images')}`,
      'allow-users: [0, 1000-2000]',
      'allow-groups: [0]',
      'default-user: 1000',
      'readonly-paths: {/host: /}',
      `writable-paths: {/data: ${this.path('data')}}`,
    ].filter(line => !given.has(line.split(':')[0]));
    this.write(`sandboxes/${name}.yaml`, [...usual, extra].join('\n'));
  }

  /** `script` runs under sh -c with `args` as $0, $1 …; `keys` are further lines of the file, `volumes` further volumes. */
  containerFile(
    name: string,
    script: string,
    keys = '',
    { args = [] as string[], volumes = '', environ = '' } = {},
  ): void {
    this.write(
      `images/app.1/config/${name}.yaml`,
      [
        'executable: /bin/sh',
        `arguments: ${JSON.stringify(['-c', script, ...args])}`,
        `environ: {PATH: /usr/bin:/bin, ${environ}}`,
        'volumes:',
        this.systemVolumes,
        volumes,
        keys,
      ].join('\n'),
    );
  }

  processFile(text: string, name = this.sandbox): string {
    return this.write(`processes/${name}.yaml`, text);
  }

  run(name: string, ...args: string[]): CommandResult {
    const result = spawnSync(process.execPath, [command(name), ...args], {
      env: environment(),
      encoding: 'utf8',
    });
    return { code: result.status, stdout: result.stdout, stderr: result.stderr };
  }

  check(...args: string[]): CommandResult {
    return this.run('lithos_check', '-C', this.path('master.yaml'), ...args);
  }

  /** Of the tree. */
  commandLine(): string[] {
    const master = this.path('master.yaml');
    return [process.execPath, command('lithos_tree'), '-C', master, '--log-stderr'];
  }

  /** `through`: what the tree is started through, e.g. unshare and its arguments. Resolves when it has read its configuration. */
  async start(through: Through = []): Promise<ChildProcess> {
    const before = this.status()?.reloads ?? 0;
    const own = this.commandLine();
    const argv = typeof through === 'function' ? through(own) : [...through, ...own];
    const child = spawn(argv[0] as string, argv.slice(1), {
      env: environment(),
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    this.said = '';
    child.stderr?.on('data', chunk => {
      this.said += chunk;
    });
    this.tree = child;
    this.wrapped = argv.length > own.length || typeof through === 'function';
    await until('the tree has read its configuration', () => {
      if (child.exitCode !== null) throw new Error(`lithos_tree ended with ${child.exitCode}: ${this.said}`);
      return (this.status()?.reloads ?? 0) > before;
    });
    return child;
  }

  status(): TreeStatus | undefined {
    try {
      return JSON.parse(readFileSync(this.path('run/status.json'), 'utf8')) as TreeStatus;
    } catch {
      return undefined;
    }
  }

  name(instance: string): string {
    return `${this.sandbox}/${instance}`;
  }

  instance(instance: string): InstanceStatus | undefined {
    return this.status()?.instances.find(({ name }) => name === this.name(instance));
  }

  /** Waits until it runs (with another run than `after`), and answers its status with a pid. */
  async running(instance: string, after = 0): Promise<InstanceStatus & { pid: number }> {
    return await until(`${instance} runs, after run ${after}`, () => {
      const found = this.instance(instance);
      const good =
        found?.state === 'running' && found.pid !== null && found.run > after && isAlive(found.pid);
      return good ? (found as InstanceStatus & { pid: number }) : undefined;
    });
  }

  /** The application in a container with pids of its own: the only child of the init. */
  async app(instance: string, after = 0): Promise<number> {
    const { pid } = await this.running(instance, after);
    return await until(`the program of ${instance} runs`, () =>
      isAlive(pid) ? childrenOf(pid)[0] : undefined,
    );
  }

  stdioLog(instance: string): string {
    return this.path(`log/stdio/${this.sandbox}.${instance}.log`);
  }

  /** What the instance has written, without the log's own columns and lines. */
  output(instance: string): string[] {
    const file = this.stdioLog(instance);
    const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
    return text
      .split('\n')
      .slice(0, -1)
      .filter(line => !/^\S+ lithos F /.test(line))
      .map(line => line.split(' ').slice(3).join(' '));
  }

  log(): string {
    return readFileSync(this.path('log/master.log'), 'utf8');
  }

  /** Pid of the tree as we see it: what it was started through has it as its only child. */
  treePid(): number {
    const pid = this.tree?.pid as number;
    return this.wrapped ? (childrenOf(pid)[0] as number) : pid;
  }

  signal(signal: NodeJS.Signals): void {
    process.kill(this.treePid(), signal);
  }

  /** While a tree replaces itself there is no pid file, and a signal would end it. */
  async listens(): Promise<void> {
    await until('the tree listens', () => existsSync(this.path('run/master.pid')));
  }

  async reload(): Promise<void> {
    await this.listens();
    const before = this.status()?.reloads ?? 0;
    this.signal('SIGHUP');
    await until('the tree has read its configuration again', () => (this.status()?.reloads ?? 0) > before);
  }

  /** SIGKILL to the supervisor alone. */
  async crash(): Promise<void> {
    const child = this.tree as ChildProcess;
    child.kill('SIGKILL');
    await until('the tree is dead', () => child.signalCode === 'SIGKILL');
  }

  /** Exit code of the tree after `signal`. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    const child = this.tree as ChildProcess;
    if (child.exitCode === null && child.signalCode === null) this.signal(signal);
    await until('the tree has ended', () => child.exitCode !== null || child.signalCode !== null, 30_000);
    return child.exitCode;
  }

  cgroups(): string[] {
    const found: string[] = [];
    // With v2 alone the top directory is the one hierarchy.
    for (const hierarchy of ['.', ...readdirSync('/sys/fs/cgroup')]) {
      const directory = join('/sys/fs/cgroup', hierarchy, this.cgroup);
      if (existsSync(directory)) found.push(directory);
    }
    return found;
  }

  /** For teardown: whatever a test did, nothing of it stays. */
  async dispose(): Promise<void> {
    const child = this.tree;
    if (child !== undefined && child.exitCode === null && child.signalCode === null)
      await this.stop().catch(() => child.kill('SIGKILL'));
    for (const name of this.leftOver()) {
      try {
        process.kill(name, 'SIGKILL');
      } catch {
        // It ended by itself.
      }
    }
    await until('its processes are gone', () => this.leftOver().length === 0);
    // Only a test that failed leaves cgroups; the kernel may call one busy for a moment.
    await until('its cgroups are gone', () => {
      try {
        removeCgroup(ownCgroupMounts(), `/${dirname(this.cgroup)}`);
        return true;
      } catch {
        return false;
      }
    });
    rmSync(this.directory, { recursive: true, force: true });
  }

  /** Processes that name this host's directory or sandbox: monitors and containers. */
  leftOver(): number[] {
    return readdirSync('/proc')
      .filter(name => /^\d+$/.test(name) && Number(name) !== process.pid)
      .map(Number)
      .filter(pid => {
        try {
          const text =
            readFileSync(`/proc/${pid}/cmdline`, 'latin1') + readFileSync(`/proc/${pid}/environ`, 'latin1');
          return (
            isAlive(pid) && (text.includes(this.directory) || text.includes(`LITHOS_NAME=${this.sandbox}`))
          );
        } catch {
          return false;
        }
      });
  }
}
