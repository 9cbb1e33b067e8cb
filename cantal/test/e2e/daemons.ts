// Real daemons for tests: started, waited for, ended by their pid.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CantalPeer, CantalStatus, Dataset, QueryRule } from '@suite/shared/wire/cantal.ts';

export const ROOT = process.env.SUITE_ROOT ?? join(process.cwd(), '..');
const COMMAND = join(ROOT, 'cantal/bin/cantal.cjs');
const CLIENTS = join(ROOT, 'cantal/clients');

type Teardown = { teardown(run: () => unknown): void };

export function directory(t: Teardown): string {
  const path = mkdtempSync(join(tmpdir(), 'cantal-e2e-'));
  t.teardown(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** Tries until `check` gives something or the time is up; the last failure is the error. */
export async function until<T>(
  what: string,
  limitMs: number,
  check: () => Promise<T | undefined> | T | undefined,
): Promise<T> {
  const endMs = performance.now() + limitMs;
  let last: unknown = 'nothing yet';
  for (;;) {
    try {
      const value = await check();
      if (value !== undefined) return value;
    } catch (error) {
      last = error;
    }
    if (performance.now() > endMs) throw new Error(`${what}: not within ${limitMs} ms (${last})`);
    await new Promise(resolve => setTimeout(resolve, 20));
  }
}

export async function end(
  child: ChildProcess,
  signal: NodeJS.Signals = 'SIGTERM',
): Promise<number | string | null> {
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode ?? child.signalCode;
  const exited = once(child, 'exit');
  child.kill(signal);
  await exited;
  return child.exitCode ?? child.signalCode;
}

export interface Outcome {
  readonly code: number | string | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command of cantal to its end. */
export async function run(argv: readonly string[]): Promise<Outcome> {
  const child = spawn(process.execPath, [COMMAND, ...argv], { stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', chunk => {
    stdout += chunk;
  });
  child.stderr.on('data', chunk => {
    stderr += chunk;
  });
  await once(child, 'close');
  return { code: child.exitCode ?? child.signalCode, stdout, stderr };
}

export class Daemon {
  readonly child: ChildProcess;
  readonly base: string;
  log = '';

  constructor(
    host: string,
    port: number,
    argv: readonly string[],
    env: Readonly<Record<string, string>> = {},
  ) {
    this.base = `http://${host}:${port}`;
    this.child = spawn(process.execPath, [COMMAND, '--host', host, '--port', String(port), ...argv], {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...process.env, ...env },
    });
    this.child.stderr?.on('data', chunk => {
      this.log += chunk;
    });
  }

  async json<T>(path: string, body?: unknown): Promise<T> {
    const init = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) };
    const answer = await fetch(`${this.base}${path}`, init);
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    return (await answer.json()) as T;
  }

  status(): Promise<CantalStatus> {
    return this.json('/status.json');
  }

  async peers(): Promise<CantalPeer[]> {
    return (await this.json<{ peers: CantalPeer[] }>('/all_peers.json')).peers;
  }

  async query(rule: QueryRule): Promise<Dataset> {
    const { values } = await this.json<{ values: { one: Dataset } }>('/query.json', { rules: { one: rule } });
    return values.one;
  }

  ready(): Promise<CantalStatus> {
    return until('the daemon answers', 60_000, () => this.status());
  }
}

/** A daemon that ends with the test. */
export function startDaemon(
  t: Teardown,
  host: string,
  port: number,
  argv: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Daemon {
  const daemon = new Daemon(host, port, argv, env);
  t.teardown(() => end(daemon.child, 'SIGKILL'));
  return daemon;
}

/** A Python program that publishes metrics and then sleeps; `shell` is put before it and must end with exec or &. */
export async function startWriter(t: Teardown, shell: string, program: string): Promise<ChildProcess> {
  const script = `${shell} python3 -c 'import sys; sys.path.insert(0, "${CLIENTS}")
${program}
print("ready", flush=True)
import time; time.sleep(600)'`;
  const child = spawn('sh', ['-c', script], { stdio: ['ignore', 'pipe', 'inherit'], detached: true });
  t.teardown(async () => {
    // The group has the shell and its children; nothing else is in it.
    if (child.pid !== undefined && child.exitCode === null && child.signalCode === null)
      process.kill(-child.pid, 'SIGKILL');
  });
  await once(child.stdout as NodeJS.ReadableStream, 'data');
  return child;
}
