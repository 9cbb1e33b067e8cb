import { type ChildProcess, spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import type { Proc, RunOptions, RunResult } from './proc.ts';

/** A timer set longer than this fires at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

const MAX_OUTPUT_BYTES = 1024 * 1024;

/** A line without an end must not grow for ever: it is handed over in pieces of this size. */
const MAX_LINE_CHARACTERS = 65536;

interface Capture {
  text(): string;
  truncated(): boolean;
}

function capture(stream: Readable | null, maxBytes: number, onLine?: (line: string) => void): Capture {
  const chunks: Buffer[] = [];
  let kept = 0;
  let dropped = false;
  const lines = onLine === undefined ? undefined : lineSplitter(onLine);
  stream?.on('data', (chunk: Buffer) => {
    lines?.push(chunk);
    const room = maxBytes - kept;
    if (chunk.length > room) dropped = true;
    if (room > 0) chunks.push(chunk.length > room ? chunk.subarray(0, room) : chunk);
    kept += Math.min(room, chunk.length);
  });
  stream?.on('end', () => lines?.end());
  return { text: () => Buffer.concat(chunks).toString('utf8'), truncated: () => dropped };
}

function lineSplitter(onLine: (line: string) => void) {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  return {
    push(chunk: Buffer): void {
      const parts = (rest + decoder.write(chunk)).split('\n');
      rest = parts.pop() ?? '';
      for (const line of parts) onLine(line);
      if (rest.length <= MAX_LINE_CHARACTERS) return;
      onLine(rest);
      rest = '';
    },
    end(): void {
      rest += decoder.end();
      if (rest !== '') onLine(rest);
    },
  };
}

function startChild(argv: readonly string[], options: RunOptions): ChildProcess {
  const piped = options.stdio === 'inherit' ? 'inherit' : 'pipe';
  const input = options.input !== undefined ? 'pipe' : options.stdio === 'inherit' ? 'inherit' : 'ignore';
  const [program = '', ...rest] = argv;
  return spawn(program, rest, {
    stdio: [input, piped, piped],
    ...(options.ownGroup && { detached: true }),
    ...(options.cwd !== undefined && { cwd: options.cwd }),
    ...(options.env !== undefined && { env: { ...options.env } }),
    ...(options.uid !== undefined && { uid: options.uid }),
    ...(options.gid !== undefined && { gid: options.gid }),
  });
}

/** Leaders of groups that would outlive this process. */
const groups = new Set<ChildProcess>();

function killGroup(child: ChildProcess): void {
  try {
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
  } catch {
    // Everybody in it has ended.
  }
}

function watchGroup(child: ChildProcess): void {
  if (groups.size === 0) process.on('exit', killGroups);
  groups.add(child);
  child.once('close', () => {
    groups.delete(child);
    if (groups.size === 0) process.off('exit', killGroups);
  });
}

function killGroups(): void {
  for (const child of groups) killGroup(child);
}

function failedToStart(error: NodeJS.ErrnoException, startedMs: number): RunResult {
  const notFound = error.code === 'ENOENT' || error.code === 'EACCES';
  const durationMs = performance.now() - startedMs;
  const nothing = { code: null, signal: null, stdout: '', timedOut: false, truncated: false, durationMs };
  return { ...nothing, stderr: error.message, ...(notFound && { notFound }) };
}

function run(argv: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  const startedMs = performance.now();
  return new Promise(resolve => {
    let child: ChildProcess;
    try {
      child = startChild(argv, options);
    } catch (error) {
      resolve(failedToStart(error as NodeJS.ErrnoException, startedMs));
      return;
    }
    if (options.ownGroup) watchGroup(child);
    const maxBytes = options.maxOutputBytes ?? MAX_OUTPUT_BYTES;
    const { onLine } = options;
    const stdout = capture(child.stdout, maxBytes, onLine && (line => onLine('stdout', line)));
    const stderr = capture(child.stderr, maxBytes, onLine && (line => onLine('stderr', line)));
    let timedOut = false;
    const timer = setTimeout(
      () => {
        timedOut = true;
        if (options.ownGroup) killGroup(child);
        else child.kill('SIGKILL');
        // A grandchild may keep the pipes open; without this, `close` would wait for it.
        child.stdout?.destroy();
        child.stderr?.destroy();
      },
      Math.min(options.timeoutMs ?? MAX_TIMER_MS, MAX_TIMER_MS),
    );
    child.once('error', error => {
      clearTimeout(timer);
      if (child.pid === undefined) resolve(failedToStart(error, startedMs));
    });
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      const truncated = stdout.truncated() || stderr.truncated();
      const durationMs = performance.now() - startedMs;
      resolve({
        code,
        signal,
        stdout: stdout.text(),
        stderr: stderr.text(),
        timedOut,
        truncated,
        durationMs,
      });
    });
    // EPIPE: the child did not want its input; its exit code tells the story.
    child.stdin?.on('error', () => {});
    child.stdin?.end(options.input);
  });
}

export const realProc: Proc = { run };
