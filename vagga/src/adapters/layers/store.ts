// The layers of all builds that share a storage: `.layers/ID/diff` holds what a step changed, `.layers/by-key/KEY` says
// which layer a step with that key has made.
import { randomBytes } from 'node:crypto';
import {
  closeSync,
  existsSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { tryLock, waitLock } from '@suite/shared/linux/flock.ts';
import type { LayerUse } from '../../core/layers/collect.ts';
import { flushedOf, markUnflushed } from '../storage/flush-marks.ts';
import { chooseMarks } from './marks.ts';

/** Beside each `diff`. */
export interface LayerNote {
  /** Of the step, for people. */
  readonly title: string;
  readonly sizeBytes: number;
  /** Entries of all kinds. */
  readonly files: number;
  readonly seconds: number;
  readonly depth: number;
  /** Absent for the finish of a build, which nobody looks up. */
  readonly key?: string;
}

export interface Layer extends LayerNote {
  readonly id: string;
}

const NOTE = 'layer.json';
const newLayerId = (): string => randomBytes(8).toString('hex');

export class LayerStore {
  readonly base: string;
  #held: number | undefined;

  constructor(base: string) {
    this.base = base;
  }

  /** Until `release` or our end nobody removes a layer. Waits for a clean-up that goes on. */
  hold(): void {
    if (this.#held !== undefined) return;
    mkdirSync(join(this.base, 'by-key'), { recursive: true });
    chooseMarks(this.base);
    this.#held = openSync(this.base, 'r');
    waitLock(this.#held, true);
  }

  release(): void {
    if (this.#held !== undefined) closeSync(this.#held);
    this.#held = undefined;
  }

  /** Runs `work` when nobody uses the layers now, else returns false. */
  exclusively(work: () => void): boolean {
    if (!existsSync(this.base)) return true;
    const fd = openSync(this.base, 'r');
    try {
      const mine = tryLock(fd);
      if (mine) work();
      return mine;
    } finally {
      closeSync(fd);
    }
  }

  directory(id: string): string {
    return join(this.base, id, 'diff');
  }

  /** Undefined also when the machine went down before it was on the disk. */
  read(id: string): Layer | undefined {
    const note = this.#note(id);
    const isWhole = existsSync(this.directory(id)) && flushedOf(join(this.base, id)) !== 'lost';
    return note !== undefined && isWhole ? { ...note, id } : undefined;
  }

  #note(id: string): LayerNote | undefined {
    try {
      return JSON.parse(readFileSync(join(this.base, id, NOTE), 'utf8')) as LayerNote;
    } catch {
      return undefined;
    }
  }

  /** Held by the build that makes the layer with this key. */
  lockOf(key: string): string {
    return `${this.#link(key)}.lock`;
  }

  /** The layer that a step with this key has made; it counts as used now. */
  find(key: string): Layer | undefined {
    try {
      const layer = this.read(readlinkSync(this.#link(key)).slice('../'.length));
      if (layer !== undefined) this.touch(layer.id);
      return layer;
    } catch {
      return undefined;
    }
  }

  touch(id: string): void {
    const now = new Date();
    utimesSync(join(this.base, id, NOTE), now, now);
  }

  /**
   * Takes over the directory `place` that has the layer's `diff`; from then on nothing in it changes. The newest gets the key: of
   * two builds at one time, or after `--force`. The other keeps the layer it has.
   */
  adopt(place: string, note: LayerNote): Layer {
    const id = newLayerId();
    writeFileSync(join(place, NOTE), JSON.stringify(note));
    if (note.key !== undefined) symlinkSync(`../${id}`, join(place, 'link'));
    markUnflushed(place);
    renameSync(place, join(this.base, id));
    if (note.key !== undefined) renameSync(join(this.base, id, 'link'), this.#link(note.key));
    return { ...note, id };
  }

  #link(key: string): string {
    return join(this.base, 'by-key', key);
  }

  list(): (Layer & LayerUse)[] {
    return this.#ids().flatMap(id => {
      const layer = this.read(id);
      const stat = lstatSync(join(this.base, id, NOTE), { throwIfNoEntry: false });
      return layer === undefined || stat === undefined ? [] : [{ ...layer, lastUseMs: stat.mtimeMs }];
    });
  }

  /** Of a removal that was killed, or lost by a power cut. */
  broken(): string[] {
    return this.#ids().filter(id => this.read(id) === undefined);
  }

  #ids(): string[] {
    try {
      return readdirSync(this.base).filter(name => /^[0-9a-f]{16}$/.test(name));
    } catch {
      return [];
    }
  }

  /** First the note, so that half a layer is never taken for one. `removeTree` removes a directory. */
  remove(id: string, removeTree: (path: string) => void): void {
    const key = this.#note(id)?.key;
    const note = join(this.base, id, NOTE);
    if (existsSync(note)) unlinkSync(note);
    removeTree(join(this.base, id));
    if (key !== undefined) this.#unpublish(key, id);
  }

  #unpublish(key: string, id: string): void {
    try {
      if (readlinkSync(this.#link(key)) === `../${id}`) unlinkSync(this.#link(key));
    } catch {
      // Another layer has the key by now.
    }
  }
}
