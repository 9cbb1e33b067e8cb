// Child processes that never outlive the demo: an abort kills them, and so does the demo's own death.
import { spawn } from 'node:child_process';

export class Interrupted extends Error {
  override readonly name = 'Interrupted';
}

/** A reason a person can act on; anything else that is thrown is a defect of the demo. */
export class DemoError extends Error {
  override readonly name = 'DemoError';
}

export interface RunOptions {
  readonly signal?: AbortSignal;
  readonly cwd?: string;
  readonly env?: Record<string, string>;
  readonly onLine?: (line: string) => void;
}

export interface RunResult {
  readonly code: number;
  readonly output: string;
}

/** Kept of a child's output: enough for the last lines of any failure. */
const OUTPUT_CHARACTERS = 256 * 1024;

/** The environment of everything the demo starts: an extra CA file costs 29 ms per Node start. */
export function cleanEnvironment(): Record<string, string> {
  const { NODE_EXTRA_CA_CERTS: _, ...rest } = process.env;
  return Object.fromEntries(
    Object.entries(rest).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}

/** Prefix for programs that make long-lived children: SIGKILL of the demo kills them too. */
export const DIES_WITH_US = ['setpriv', '--pdeathsig', 'KILL', '--'] as const;

/** Runs to the end; stdout and stderr in one. Rejects with `Interrupted` after an abort, when the child is gone. */
export function run(argv: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  const [program = '', ...rest] = argv;
  if (options.signal?.aborted) return Promise.reject(new Interrupted('stopped'));
  return new Promise((resolve, reject) => {
    // A session of its own: Ctrl-C on the terminal reaches the demo only, which then ends its children in order.
    const child = spawn(program, rest, {
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: options.env ?? cleanEnvironment(),
      ...(options.cwd !== undefined && { cwd: options.cwd }),
    });
    let output = '';
    let pending = '';
    const take = (chunk: Buffer): void => {
      const text = chunk.toString('utf8');
      output = (output + text).slice(-OUTPUT_CHARACTERS);
      if (options.onLine === undefined) return;
      const lines = (pending + text).split('\n');
      pending = lines.pop() ?? '';
      for (const line of lines) options.onLine(line);
    };
    child.stdout.on('data', take);
    child.stderr.on('data', take);
    const stop = (): void => {
      killGroup(child.pid);
    };
    options.signal?.addEventListener('abort', stop, { once: true });
    child.once('error', error => {
      options.signal?.removeEventListener('abort', stop);
      reject(new DemoError(`${program}: ${error.message}`));
    });
    child.once('close', code => {
      options.signal?.removeEventListener('abort', stop);
      if (options.signal?.aborted) reject(new Interrupted('stopped'));
      else resolve({ code: code ?? 1, output });
    });
  });
}

/** Runs and demands exit code 0; the error says what was run and what it printed. */
export async function must(argv: readonly string[], options: RunOptions = {}): Promise<string> {
  const { code, output } = await run(argv, options);
  if (code === 0) return output;
  throw new DemoError(`\`${argv.join(' ')}\` ended with ${code}: ${output.trim()}`);
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // Already gone.
  }
}
