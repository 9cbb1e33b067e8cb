// A host with something to steal and to break, for containers that try to.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { cgroupPaths, controllerDirectory } from '@suite/shared/linux/cgroup.ts';
import { ownCgroupMounts } from '@suite/shared/linux/cgroup-files.ts';
import { devMajor, devMinor } from '@suite/shared/linux/device-numbers.ts';
import { inNetwork, loopbackUp, newNetwork } from '@suite/shared/linux/netns.ts';
import { findProgram } from '@suite/shared/linux/programs.ts';
import { Host, until } from '../support.ts';

const ATTEMPTS = join(process.env.SUITE_ROOT ?? join(process.cwd(), '..'), 'lithos/test/helpers/escape');
export const SECRET_WORD = 'this-is-the-secret-of-the-host';
const BRIDGE = 'br-escape';
/** Of all containers together, whatever becomes of their own limits: a bomb that goes off must not take the machine. */
const ALL_PIDS = 1000;
const ALL_BYTES = 1 << 30;

function run(program: string, ...args: string[]): string {
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}: ${stderr}`);
  return stdout;
}

function disk(): string {
  const device = readdirSync('/sys/block')
    .map(name => `/dev/${name}`)
    .find(existsSync) as string;
  const { rdev } = statSync(device);
  return `${devMajor(rdev)}:${devMinor(rdev)}`;
}

function sha256(path: string): string {
  return createHash('sha256').update(readFileSync(path)).digest('hex');
}

function readOr(path: string, otherwise: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return otherwise;
  }
}

/** Everything below a directory with owners, modes and times, so that any write shows. */
function tree(root: string): string[] {
  return (readdirSync(root, { recursive: true }) as string[]).sort().map(name => {
    const { mode, size, uid, mtimeMs } = lstatSync(join(root, name));
    return `${name} ${mode.toString(8)} ${size} ${uid} ${mtimeMs}`;
  });
}

export class EscapeHost {
  readonly host: Host;
  /** Stands in for the host's network, so that nothing of this machine's is touched. */
  readonly network = newNetwork();
  readonly disk = disk();
  private readonly ended: (() => void)[] = [];
  victim = 0;
  guard = 0;
  monitor = 0;
  abstractName = '';
  loopbackPort = '';
  sharedMemory = '';

  private constructor(host: Host) {
    this.host = host;
  }

  static async make(): Promise<EscapeHost> {
    const made = new EscapeHost(await Host.make());
    made.limitEverything();
    made.furnish();
    made.victim = made.keep(spawn('sleep', ['1000'], { stdio: 'ignore' }));
    await made.serve();
    return made;
  }

  private keep(child: ReturnType<typeof spawn>): number {
    this.ended.push(() => child.kill('SIGKILL'));
    return child.pid as number;
  }

  /** Also for when this test is cut short: containers outlive their supervisor. */
  private limitEverything(): void {
    const path = `/${dirname(this.host.cgroup)}`;
    const paths = cgroupPaths(ownCgroupMounts(), path);
    const limits: readonly (readonly [string, readonly string[], number])[] = [
      ['pids', ['pids.max'], ALL_PIDS],
      ['memory', ['memory.max', 'memory.limit_in_bytes'], ALL_BYTES],
    ];
    for (const [controller, names, value] of limits) {
      const directory = controllerDirectory(paths, controller) as string;
      mkdirSync(directory, { recursive: true });
      const file = names.map(name => join(directory, name)).find(existsSync);
      if (file === undefined)
        throw new Error(`no limit of ${controller} in ${directory}: no bombs without it`);
      writeFileSync(file, String(value));
    }
    const guard = [join(ATTEMPTS, 'guard.sh'), String(process.pid), this.host.directory];
    const directories = new Set(paths.values());
    this.guard = this.keep(spawn('sh', [...guard, ...directories], { stdio: 'ignore', detached: true }));
  }

  /** What containers find: in their image, in their volumes, and where they should not get. */
  private furnish(): void {
    const { host } = this;
    const image = host.path('images/app.1');
    chmodSync(host.directory, 0o755);
    cpSync(ATTEMPTS, join(image, 'escape'), { recursive: true });
    mkdirSync(join(image, 'prey'));
    writeFileSync(join(image, 'etc/hosts.image'), '');
    writeFileSync(host.path('secret'), SECRET_WORD);
    chmodSync(host.path('data'), 0o777);
    symlinkSync(host.path('secret'), host.path('data/link-to-secret'));
    for (const suid of [join(image, 'suid-in-image'), host.path('data/suid')]) {
      copyFileSync('/usr/bin/id', suid);
      chmodSync(suid, 0o4755);
    }
    for (const node of [join(image, 'disk-in-image'), host.path('data/disk')])
      run('mknod', '-m', '666', node, 'b', ...this.disk.split(':'));
    // Where a volume is exchanged for a link while it is being mounted.
    mkdirSync(host.path('data/race/flip/sub'), { recursive: true });
    mkdirSync(host.path('outside/sub'), { recursive: true });
    writeFileSync(host.path('outside/sub/secret'), SECRET_WORD);
    symlinkSync(host.path('outside'), host.path('data/race/link'));
    for (const path of ['data/race', 'data/race/flip', 'data/race/flip/sub'])
      chmodSync(host.path(path), 0o777);
  }

  /** Services that only whoever shares this network can reach, and a bridge into it. */
  private async serve(): Promise<void> {
    this.abstractName = `lithos-escape-${process.pid}`;
    const program = [
      'import os,socket,sys,threading',
      'a=socket.socket(socket.AF_UNIX); a.bind("\\0"+sys.argv[1]); a.listen(64)',
      'b=socket.socket(); b.bind(("127.0.0.1",0)); b.listen(64)',
      'print(b.getsockname()[1],flush=True)',
      'def serve(s,w):\n while True:\n  c,_=s.accept(); c.send(w); c.close()',
      'threading.Thread(target=serve,args=(a,b"an abstract socket")).start(); serve(b,b"a loopback service")',
    ].join('\n');
    const server = inNetwork(this.network, () => {
      loopbackUp();
      return spawn('/usr/bin/python3', ['-c', program, this.abstractName], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
    });
    this.keep(server);
    server.stdout?.on('data', chunk => {
      this.loopbackPort += String(chunk).trim();
    });
    await until('the services of the host are there', () => this.loopbackPort !== '');
    inNetwork(this.network, () => {
      run('ip', 'link', 'add', BRIDGE, 'type', 'bridge');
      run('ip', 'address', 'add', '10.44.0.1/24', 'dev', BRIDGE);
      run('ip', 'link', 'set', BRIDGE, 'up');
    });
    this.sharedMemory = /\d+/.exec(run('ipcmk', '--shmem', '64', '--mode', '666'))?.[0] ?? '';
    this.ended.push(() => run('ipcrm', '--shmem-id', this.sharedMemory));
  }

  /** Key of the System V segment, which a program needs to get it. */
  private sharedKey(): string {
    const line = readFileSync('/proc/sysvipc/shm', 'utf8')
      .split('\n')
      .find(each => each.trim().split(/\s+/)[1] === this.sharedMemory);
    return line?.trim().split(/\s+/)[0] ?? '';
  }

  /** What attempts have to know of the host. */
  environ(): string {
    const values = {
      SECRET_PATH: this.host.path('secret'),
      SECRET_WORD,
      VICTIM_PID: this.victim,
      MONITOR_PID: this.monitor,
      DISK: this.disk,
      SHM_KEY: this.sharedKey(),
      ABSTRACT_NAME: this.abstractName,
      LOOPBACK_PORT: this.loopbackPort,
    };
    return Object.entries(values)
      .map(([name, value]) => `${name}: "${value}"`)
      .join(', ');
  }

  get bridge(): string {
    return `bridged-network: {bridge: ${BRIDGE}, network: 10.44.0.0/24}`;
  }

  async start(): Promise<void> {
    await inNetwork(this.network, () => this.host.start());
  }

  /** What must be the same afterwards, whatever was tried. */
  state(): Record<string, unknown> {
    const { host } = this;
    const programs = ['crun', 'runc', 'conmon', 'catatonit'].map(name => findProgram(name));
    const kernel = [
      'kernel/core_pattern',
      'kernel/panic',
      'kernel/modprobe',
      'kernel/hostname',
      'kernel/domainname',
    ];
    return {
      image: tree(host.path('images/app.1')).filter(line => !/^config/.test(line)),
      outside: tree(host.path('outside')),
      secret: sha256(host.path('secret')),
      programs: programs.map(path => path && `${path} ${sha256(path)} ${statSync(path).mode}`),
      settings: kernel.map(name => `${name} ${readOr(`/proc/sys/${name}`, '')}`),
      hostname: hostname(),
      swaps: readOr('/proc/swaps', ''),
      modules: readOr('/proc/modules', '').replace(/ \d+ .*/g, ''),
      mounts: readFileSync('/proc/self/mountinfo', 'utf8').includes(host.directory),
      victim: /^TracerPid:\s+0$/m.test(readOr(`/proc/${this.victim}/status`, '')),
      addresses: inNetwork(this.network, () => run('ip', '-o', 'address', 'show', 'dev', 'lo')),
    };
  }

  async dispose(): Promise<void> {
    try {
      await this.host.dispose();
    } finally {
      for (const end of this.ended.reverse()) end();
    }
  }
}
