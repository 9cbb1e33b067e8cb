// A project in a temporary directory, and the built vagga as users start it.
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

const VAGGA = join(process.env.SUITE_ROOT ?? '', 'vagga/bin/vagga.cjs');

export interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Costs 29 ms per start and has nothing to do with us. */
function environment(more: Record<string, string> = {}): NodeJS.ProcessEnv {
  const { NODE_EXTRA_CA_CERTS: _, ...rest } = process.env;
  return { ...rest, ...more };
}

export class Running {
  readonly child: ChildProcess;
  readonly ended: Promise<Outcome>;
  stdout = '';
  stderr = '';

  constructor(child: ChildProcess) {
    this.child = child;
    child.stdout?.on('data', chunk => {
      this.stdout += chunk;
    });
    child.stderr?.on('data', chunk => {
      this.stderr += chunk;
    });
    this.ended = new Promise(resolve => {
      child.once('close', code => resolve({ code, stdout: this.stdout, stderr: this.stderr }));
    });
  }

  /** Resolves when the output has `text`; rejects after the deadline. */
  async shows(text: string, deadlineMs = 20_000): Promise<void> {
    await until(() => (this.stdout + this.stderr).includes(text), `output ${text}`, deadlineMs);
  }
}

/** Polls a condition of the outside world. */
export async function until(condition: () => boolean, what: string, deadlineMs = 20_000): Promise<void> {
  const endMs = Date.now() + deadlineMs;
  while (!condition()) {
    if (Date.now() > endMs) throw new Error(`still not: ${what}`);
    await new Promise(resolve => setTimeout(resolve, 20));
  }
}

export class Rig {
  readonly root: string;

  /** Without a directory: an own one. */
  constructor(root = mkdtempSync(join(tmpdir(), 'vagga-e2e-'))) {
    this.root = root;
  }

  write(name: string, text: string): void {
    mkdirSync(dirname(join(this.root, name)), { recursive: true });
    writeFileSync(join(this.root, name), text);
  }

  read(name: string): string {
    return readFileSync(join(this.root, name), 'utf8');
  }

  has(name: string): boolean {
    return existsSync(join(this.root, name));
  }

  list(name: string): string[] {
    return this.has(name) ? readdirSync(join(this.root, name)).sort() : [];
  }

  run(...words: string[]): Outcome {
    const { status, stdout, stderr } = spawnSync(process.execPath, [VAGGA, ...words], {
      cwd: this.root,
      env: environment(),
      encoding: 'utf8',
    });
    return { code: status, stdout, stderr };
  }

  /** Another user, who may nevertheless read a checkout in somebody's home. */
  runAsNobody(words: readonly string[]): Outcome {
    const read = ['--inh-caps', '+dac_read_search', '--ambient-caps', '+dac_read_search'];
    const user = ['--reuid', '65534', '--regid', '65534', '--clear-groups', ...read];
    const { status, stdout, stderr } = spawnSync('setpriv', [...user, process.execPath, VAGGA, ...words], {
      cwd: this.root,
      env: environment({ HOME: '/nonexistent' }),
      encoding: 'utf8',
    });
    return { code: status, stdout, stderr };
  }

  start(words: string[], more: Record<string, string> = {}): Running {
    const stdio: ['ignore', 'pipe', 'pipe'] = ['ignore', 'pipe', 'pipe'];
    return new Running(
      spawn(process.execPath, [VAGGA, ...words], { cwd: this.root, env: environment(more), stdio }),
    );
  }

  /** In a terminal of its own; `input` is typed. */
  inTerminal(words: string[], input: string): Outcome {
    const line = [process.execPath, VAGGA, ...words].map(word => `'${word}'`).join(' ');
    const { status, stdout, stderr } = spawnSync('script', ['-qec', line, '/dev/null'], {
      cwd: this.root,
      env: environment(),
      encoding: 'utf8',
      input,
    });
    return { code: status, stdout, stderr };
  }

  /** Processes (not zombies) whose command line has `text`. */
  processes(text: string): string[] {
    return readdirSync('/proc')
      .filter(name => /^\d+$/.test(name))
      .filter(pid => {
        try {
          return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').includes(text);
        } catch {
          return false;
        }
      });
  }

  mounts(): string[] {
    return readFileSync('/proc/self/mountinfo', 'utf8')
      .split('\n')
      .filter(line => line.includes(this.root));
  }

  remove(): void {
    if (this.mounts().length > 0) throw new Error(`something is still mounted below ${this.root}`);
    rmSync(this.root, { recursive: true, force: true });
  }
}
