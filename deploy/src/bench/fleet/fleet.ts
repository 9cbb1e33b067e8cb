import type { ChildProcess } from 'node:child_process';
import type { Contender } from '../harness.ts';
import { sleepers, until } from './processes.ts';
import type { Words } from './words.ts';

/** A supervisor and how it is told to run `count` of the same program. */
export interface Fleet {
  /** Also in the environment of its programs. */
  readonly tag: string;
  readonly name: string;
  readonly role: Contender['role'];
  readonly words: Words;
  /** Writes its configuration below its own directory; not part of any time. */
  prepare(count: number): Promise<void> | void;
  /** Returns when everything was asked for; the programs say when they run. */
  start(): Promise<void> | void;
  /** The process that supervises; undefined: there is none (podman). */
  pid(): number | undefined;
  /** What beside the program is there for each of them. */
  helpers(): readonly number[];
  stop(): Promise<void> | void;
}

/** Ends what a fleet may have left, so that the next contender has the machine to itself. */
export async function stopWhole(fleet: Fleet): Promise<void> {
  await fleet.stop();
  await until(`the programs of ${fleet.name} have ended`, () => {
    const left = sleepers(fleet.tag);
    for (const pid of left) kill(pid);
    return left.length === 0 ? true : undefined;
  });
}

export function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}

export function exited(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise(resolve => child.once('exit', () => resolve()));
}
