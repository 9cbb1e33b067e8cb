export interface RunOptions {
  readonly cwd?: string;
  /** The whole environment of the child; ours when absent. */
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string | Uint8Array;
  /** Then the child gets SIGKILL and the result says `timedOut`. No limit when absent. */
  readonly timeoutMs?: number;
  /** Of each captured stream; the rest is dropped and the result says `truncated`. 1 MiB when absent. */
  readonly maxOutputBytes?: number;
  /** Complete lines as they come, without the newline. */
  readonly onLine?: (stream: 'stdout' | 'stderr', line: string) => void;
  readonly stdio?: 'inherit' | 'capture';
  /** The child leads a process group of its own: a time limit ends what it started as well, and so does the end of this process. */
  readonly ownGroup?: boolean;
  readonly uid?: number;
  readonly gid?: number;
}

/** `code` is null when a signal ended the child; `notFound`: the program does not exist or may not be run. */
export interface RunResult {
  readonly code: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly timedOut: boolean;
  readonly truncated: boolean;
  readonly durationMs: number;
  readonly notFound?: boolean;
}

export interface Proc {
  /** Runs a program to its end. Never rejects: what happened is in the result. `argv[0]` is looked up in PATH. */
  run(argv: readonly string[], options?: RunOptions): Promise<RunResult>;
}
