// What is told about a run: its children in words for people and programs.
import type { ChildState } from './child.ts';
import type { SuperviseState } from './types.ts';

export interface ChildReport {
  readonly name: string;
  /** `done`: a job that has done its work, or what was stopped; `failed`: it ended badly, for good. */
  readonly state: 'waiting' | 'starting' | 'ready' | 'backing off' | 'done' | 'failed';
  /** Of the engine while it runs. */
  readonly pid?: number;
  readonly restarts: number;
  /** Of its end. */
  readonly code?: number;
}

export interface RunReport {
  readonly state: SuperviseState['kind'];
  /** Of the whole, once that is decided. */
  readonly code?: number;
  readonly children: readonly ChildReport[];
}

function childReport(name: string, child: ChildState): ChildReport {
  const { restarts } = child;
  switch (child.kind) {
    case 'waiting':
      return { name, state: 'waiting', restarts };
    case 'backoff':
      return { name, state: 'backing off', restarts };
    case 'running':
      return { name, state: child.ready ? 'ready' : 'starting', pid: child.pid, restarts };
    case 'done':
      return { name, state: child.code === 0 ? 'done' : 'failed', code: child.code, restarts };
  }
}

export function runReport(state: SuperviseState): RunReport {
  const children = Object.entries(state.children).map(([name, child]) => childReport(name, child));
  return { state: state.kind, ...('code' in state && { code: state.code }), children };
}

/** Everything that was to be ready is, and jobs are done. */
export function isAllReady({ children }: RunReport): boolean {
  return children.every(({ state }) => state === 'ready' || state === 'done');
}

/** It will not get ready any more; one whose jobs have all done their work has been. */
export function hasFailed({ state, code }: RunReport): boolean {
  return state !== 'running' && !(state === 'ended' && code === 0);
}
