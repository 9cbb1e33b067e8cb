// A project in a temporary directory, and the built vagga as users start it.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import {
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { removeTree } from './remove-tree.ts';
import { TestUser, USER_GID, USER_UID, type UserOptions } from './rig-user.ts';

export const VAGGA = join(process.env.SUITE_ROOT ?? '', 'vagga/bin/vagga.cjs');

/** A vagga that hangs is a failure with a name, not a test run that never ends. */
const HANGS_AFTER_MS = 300_000;
/** What does not come within this time on a busy machine does not come. */
const PATIENCE_MS = 60_000;

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
    child.stdout?.setEncoding('utf8').on('data', chunk => {
      this.stdout += chunk;
    });
    child.stderr?.setEncoding('utf8').on('data', chunk => {
      this.stderr += chunk;
    });
    this.ended = new Promise(resolve => {
      child.once('close', code => resolve({ code, stdout: this.stdout, stderr: this.stderr }));
    });
  }

  /** Resolves when the output has `text`; rejects after the deadline. */
  async shows(text: string, deadlineMs = PATIENCE_MS): Promise<void> {
    await until(() => (this.stdout + this.stderr).includes(text), `output ${text}`, deadlineMs);
  }
}

/** Polls a condition of the outside world. */
export async function until(condition: () => boolean, what: string, deadlineMs = PATIENCE_MS): Promise<void> {
  const endMs = Date.now() + deadlineMs;
  while (!condition()) {
    if (Date.now() > endMs) throw new Error(`still not: ${what}`);
    await new Promise(resolve => setTimeout(resolve, 20));
  }
}

/** For tests whose subject must be the same for both: `for (const as of ROOT_AND_USER) … new Rig({ as })`. */
export const ROOT_AND_USER = ['root', 'user'] as const;

export interface RigOptions {
  /** Without a directory: an own one. */
  readonly root?: string;
  /** Who runs vagga and owns the project; a user with subordinate ids, or with what `user` says. */
  readonly as?: 'root' | 'user';
  readonly user?: UserOptions;
}

export class Rig {
  readonly root: string;
  readonly user: TestUser | undefined;
  readonly #started: ChildProcess[] = [];

  constructor({ as = 'root', user, root = mkdtempSync(join(tmpdir(), 'vagga-e2e-')) }: RigOptions = {}) {
    this.root = root;
    this.user = as === 'user' ? new TestUser(user) : undefined;
    this.#own(this.root);
  }

  #own(path: string): void {
    if (this.user !== undefined) chownSync(path, USER_UID, USER_GID);
  }

  /** Directories and file belong to who runs vagga. */
  write(name: string, text: string): void {
    const path = join(this.root, name);
    const first = mkdirSync(dirname(path), { recursive: true });
    for (let made = dirname(path); first !== undefined && made.startsWith(first); made = dirname(made))
      this.#own(made);
    writeFileSync(path, text);
    this.#own(path);
  }

  /** Program and arguments. */
  commandLine(words: readonly string[]): [string, string[]] {
    const [program = '', ...rest] = this.user?.vaggaWords(words) ?? [VAGGA, ...words];
    return [program, rest];
  }

  #environment(more: Record<string, string> = {}): NodeJS.ProcessEnv {
    return environment({ ...this.user?.environment(), ...more });
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
    return this.runWith({}, ...words);
  }

  /** With more in the environment. */
  runWith(more: Record<string, string>, ...words: string[]): Outcome {
    const { status, stdout, stderr } = spawnSync(...this.commandLine(words), {
      cwd: this.root,
      env: this.#environment(more),
      encoding: 'utf8',
      timeout: HANGS_AFTER_MS,
    });
    return { code: status, stdout, stderr };
  }

  start(words: string[], more: Record<string, string> = {}): Running {
    const stdio: ['ignore', 'pipe', 'pipe'] = ['ignore', 'pipe', 'pipe'];
    const child = spawn(...this.commandLine(words), {
      cwd: this.root,
      env: this.#environment(more),
      stdio,
    });
    this.#started.push(child);
    return new Running(child);
  }

  /** In a terminal of its own; `input` is typed. */
  inTerminal(words: string[], input: string): Outcome {
    const [program, rest] = this.commandLine(words);
    const line = [program, ...rest].map(word => `'${word.replaceAll("'", `'\\''`)}'`).join(' ');
    const { status, stdout, stderr } = spawnSync('script', ['-qec', line, '/dev/null'], {
      cwd: this.root,
      env: this.#environment(),
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

  procFile(pid: string, name: string): string {
    try {
      return readFileSync(`/proc/${pid}/${name}`, 'utf8');
    } catch {
      return '';
    }
  }

  mounts(): string[] {
    return readFileSync('/proc/self/mountinfo', 'utf8')
      .split('\n')
      .filter(line => line.includes(this.root));
  }

  remove(): void {
    // After a failed test: a file that waits for what still runs, or is stopped, would hang instead of telling.
    for (const child of this.#started) child.kill('SIGKILL');
    if (this.mounts().length > 0) throw new Error(`something is still mounted below ${this.root}`);
    // The directory of an image that was built last may still be coming into being.
    removeTree(this.root);
    this.user?.remove();
  }
}
