import type { EngineKind } from '../../core/scheduler/engine.ts';

/** What the daemon and the worker process say to each other. One worker serves one scheduler version. First message: the setup. */
export interface WorkerSetup {
  readonly engine: EngineKind;
  readonly memoryBytes: number;
  readonly files: ReadonlyMap<string, string>;
}

export interface WorkerRequest {
  readonly mode: 'check' | 'run';
  /** The input as JSON text: cheaper to hand over than a cloned tree. */
  readonly input: string;
  readonly deadlineMs: number;
}

export type WorkerReply =
  | { readonly ok: true; readonly json: string; readonly debug: string; readonly durationMs: number }
  | { readonly ok: false; readonly error: string; readonly debug: string };
