// Where a detached command keeps what others must know of it: `.vagga/.run/detached/COMMAND`.
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Layout } from '../image/layout.ts';

/** For the user alone: who may write there can stop the processes. */
const MODE = 0o700;

export class DetachedPlace {
  readonly name: string;
  readonly directory: string;
  /** Of all containers that run now. */
  readonly bundles: string;

  constructor(layout: Layout, name: string) {
    this.name = name;
    this.bundles = layout.running;
    this.directory = join(layout.running, 'detached', encodeURIComponent(name));
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

/** By name. */
export function detachedPlaces(layout: Layout): DetachedPlace[] {
  let names: string[];
  try {
    names = readdirSync(join(layout.running, 'detached'));
  } catch {
    return [];
  }
  return names
    .filter(name => !name.endsWith('.lock'))
    .sort()
    .map(name => new DetachedPlace(layout, decodeURIComponent(name)));
}
