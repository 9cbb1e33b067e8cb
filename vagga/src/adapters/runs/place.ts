// Where a run keeps what others must know of it: a detached command in `.vagga/.run/detached/COMMAND`, and one in the foreground
// beside the bundles of its containers, by a name that says whose it is, so that it is swept like them.
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Layout } from '../image/layout.ts';
import { isContainerId, newContainerId } from '../oci/running.ts';

/** For the user alone: who may write there can stop the processes. */
const MODE = 0o700;

export class RunPlace {
  readonly mode: 'detached' | 'foreground';
  readonly directory: string;
  /** Of all containers that run now. */
  readonly bundles: string;

  constructor(layout: Layout, mode: RunPlace['mode'], entry: string) {
    this.mode = mode;
    this.bundles = layout.running;
    this.directory = join(layout.running, entry);
  }

  get state(): string {
    return join(this.directory, 'state.json');
  }

  get log(): string {
    return join(this.directory, 'log');
  }

  /** What was in the log before it grew too big. */
  get olderLog(): string {
    return join(this.directory, 'log.1');
  }

  /** What the supervisor itself says when something is wrong with it. */
  get errors(): string {
    return join(this.directory, 'errors');
  }

  get lock(): string {
    return `${this.directory}.lock`;
  }

  makeEmpty(): void {
    this.remove();
    mkdirSync(this.directory, { recursive: true, mode: MODE });
  }

  remove(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}

const DETACHED = 'detached';

export function detachedPlace(layout: Layout, command: string): RunPlace {
  return new RunPlace(layout, 'detached', join(DETACHED, encodeURIComponent(command)));
}

/** Of this process; a new one with each call. */
export function foregroundPlace(layout: Layout): RunPlace {
  return new RunPlace(layout, 'foreground', newContainerId());
}

function entries(directory: string): string[] {
  try {
    return readdirSync(directory).sort();
  } catch {
    return [];
  }
}

/** Detached ones by name, then those in the foreground; also some without a state: bundles. */
export function runPlaces(layout: Layout): RunPlace[] {
  const detached = entries(join(layout.running, DETACHED)).filter(name => !name.endsWith('.lock'));
  return [
    ...detached.map(name => new RunPlace(layout, 'detached', join(DETACHED, name))),
    ...entries(layout.running)
      .filter(isContainerId)
      .map(id => new RunPlace(layout, 'foreground', id)),
  ];
}
