import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process';
import type { Proc, RunResult } from '../ports/proc.ts';
import { realProc } from '../ports/real.ts';
import type { RuntimeChoice } from './probe.ts';
import { openBarrier } from './start-barrier.ts';

type ContainerStatus = 'creating' | 'created' | 'running' | 'stopped' | 'paused';

interface ContainerState {
  readonly id: string;
  readonly status: ContainerStatus;
  /** PID 1 of the container as we see it; 0 when stopped. */
  readonly pid: number;
  readonly bundle: string;
  readonly annotations: Readonly<Record<string, string>>;
}

interface ForegroundRun {
  readonly child: ChildProcess;
  /** Of the container's program; a program that a signal ended has 128 + its number. Rejects when nothing could be spawned. */
  readonly finished: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>;
}

/** The runtime did not do it: `message` is its own last line. */
interface RuntimeFailure {
  readonly error: string;
}

/** Milliseconds are normal; a runtime that hangs must not hang its caller. */
const CALL_TIMEOUT_MS = 30_000;
/** `list` of a thousand containers is about 300 kB. */
const MAX_ANSWER_BYTES = 8 * 1024 * 1024;

/** Runtimes answer either plain text or a JSON log line; the last line has the reason. */
export function lastMessage(stderr: string): string {
  const line = stderr.trim().split('\n').at(-1) ?? '';
  const quoted = /msg="((?:[^"\\]|\\.)*)"/.exec(line)?.[1];
  return (quoted?.replace(/\\(.)/g, '$1') ?? line).replace(/^\S+Z: /, '');
}

/** Both runtimes say it in their own words. */
function isAbsent(failure: RuntimeFailure): boolean {
  return /does not exist|no such file or directory|container not known/i.test(failure.error);
}

function toState(value: Record<string, unknown>): ContainerState {
  const { id, status, pid, bundle, annotations } = value as unknown as ContainerState;
  return { id, status, pid: status === 'stopped' ? 0 : pid, bundle, annotations: annotations ?? {} };
}

/** Of crun alone. */
export const NO_CGROUPS = '--cgroup-manager=disabled';

interface RuntimeOptions {
  /** Absolute, on a tmpfs; separates our containers from everyone else's. */
  readonly stateRoot: string;
  /** `none`: containers stay in the cgroup of whoever starts them. crun alone can do that. */
  readonly cgroups?: 'own' | 'none';
  /** Start without a call of the runtime; see `provesBarrier`. */
  readonly barrier?: boolean;
  readonly proc?: Proc;
}

/** Drives one OCI runtime. */
export class OciRuntime {
  readonly choice: RuntimeChoice;
  readonly stateRoot: string;
  /** What every call of the program begins with. */
  readonly globalArguments: readonly string[];
  readonly #proc: Proc;
  readonly #barrier: boolean;

  constructor(choice: RuntimeChoice, options: RuntimeOptions) {
    this.choice = choice;
    this.stateRoot = options.stateRoot;
    const cgroups = options.cgroups === 'none' ? [NO_CGROUPS] : [];
    this.globalArguments = [...cgroups, '--root', options.stateRoot];
    this.#barrier = options.barrier ?? false;
    this.#proc = options.proc ?? realProc;
  }

  /** The whole command line for a call of the runtime, for callers that spawn it themselves. */
  commandLine(...args: readonly string[]): string[] {
    return this.choice.wrap([this.choice.program, ...this.globalArguments, ...args]);
  }

  async start(id: string): Promise<RuntimeFailure | undefined> {
    if (this.#barrier && openBarrier(this.stateRoot, id)) return undefined;
    return await this.#do('start', id);
  }

  /**
   * To PID 1 of the container, or (`all`) to every process in it. A container that is gone is no failure. In the first
   * milliseconds after `start` its init has no handlers yet, and the kernel drops every signal but KILL: stop with a
   * deadline, then KILL.
   */
  async kill(id: string, signal: NodeJS.Signals | number, all = false): Promise<RuntimeFailure | undefined> {
    const failure = await this.#do('kill', ...(all ? ['--all'] : []), id, String(signal));
    return failure !== undefined && /not running|no such process|already finished/i.test(failure.error)
      ? undefined
      : this.#unlessAbsent(failure);
  }

  /** Forgets a stopped container and removes its cgroups; `force` kills it first. Absent is fine. */
  async delete(id: string, force = false): Promise<RuntimeFailure | undefined> {
    return this.#unlessAbsent(await this.#do('delete', ...(force ? ['--force'] : []), id));
  }

  /** `undefined`: there is no such container. */
  async state(id: string): Promise<ContainerState | RuntimeFailure | undefined> {
    const result = await this.#call('state', id);
    if (result.code === 0) return toState(JSON.parse(result.stdout) as Record<string, unknown>);
    return this.#unlessAbsent({ error: this.#reason(result) });
  }

  async list(): Promise<readonly ContainerState[] | RuntimeFailure> {
    const result = await this.#call('list', '--format', 'json');
    if (result.code !== 0) return { error: this.#reason(result) };
    const found = JSON.parse(result.stdout.trim() || '[]') as Record<string, unknown>[] | null;
    return (found ?? []).map(toState);
  }

  /** Creates, starts, waits and deletes in one process; its pid is the runtime's. Signals go through `kill`. */
  run(id: string, bundle: string, options: { readonly stdio: StdioOptions }): ForegroundRun {
    const [program = '', ...args] = this.commandLine('run', '--bundle', bundle, id);
    const child = spawn(program, args, { stdio: options.stdio });
    const finished = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>(
      (resolve, reject) => {
        child.once('error', reject);
        child.once('close', (code, signal) => resolve({ code, signal }));
      },
    );
    return { child, finished };
  }

  #call(...args: readonly string[]): Promise<RunResult> {
    const limits = { timeoutMs: CALL_TIMEOUT_MS, maxOutputBytes: MAX_ANSWER_BYTES };
    return this.#proc.run(this.commandLine(...args), limits);
  }

  async #do(...args: readonly string[]): Promise<RuntimeFailure | undefined> {
    const result = await this.#call(...args);
    return result.code === 0 ? undefined : { error: this.#reason(result) };
  }

  #reason(result: RunResult): string {
    if (result.timedOut) return `no answer within ${CALL_TIMEOUT_MS / 1000} s`;
    return lastMessage(result.stderr) || `exit code ${result.code ?? result.signal}`;
  }

  #unlessAbsent(failure: RuntimeFailure | undefined): RuntimeFailure | undefined {
    return failure === undefined || isAbsent(failure) ? undefined : failure;
  }
}
