import { createHash } from 'node:crypto';
import { link, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { constants, gzip } from 'node:zlib';
import type { Disk } from '@suite/shared/ports/index.ts';
import { SCHEDULE_BYTES_MAX, type ScheduleObject } from '@suite/shared/wire/verwalter.ts';
import { HISTORY_KEPT } from '../config/defaults.ts';
import type { Remembered } from '../core/election/state.ts';
import { PERIODS, planHistory } from '../core/schedule/history.ts';
import { readSchedule, type Sha1 } from '../core/schedule/schedule.ts';

export const sha1: Sha1 = text => createHash('sha1').update(text).digest('hex');

const compress = promisify(gzip);
const BALLOT_BYTES_MAX = 1_024;
/** People read this file: indented it may be twice as long as on the wire. */
const FILE_BYTES_MAX = SCHEDULE_BYTES_MAX * 2;

/**
 * Writes of one file, one after another: on a slow disk an old one must not overtake a new one. What waits is only the newest;
 * a write that was overtaken in the queue ends with it.
 */
class NewestLast {
  #running: Promise<void> | undefined;
  #waiting: { write: () => Promise<void>; done: Promise<void> } | undefined;

  write(write: () => Promise<void>): Promise<void> {
    if (this.#waiting !== undefined) {
      this.#waiting.write = write;
      return this.#waiting.done;
    }
    if (this.#running === undefined) return this.#start(write);
    const next = () => {
      const newest = this.#waiting?.write ?? write;
      this.#waiting = undefined;
      return this.#start(newest);
    };
    const done = this.#running.then(next, next);
    this.#waiting = { write, done };
    return done;
  }

  #start(write: () => Promise<void>): Promise<void> {
    const running = write().finally(() => {
      if (this.#running === running) this.#running = undefined;
    });
    this.#running = running;
    return running;
  }
}

/** `<storage>/schedule/` and `<storage>/election.json`. Methods reject with the system's error; callers log and go on. */
export class Storage {
  readonly directory: string;
  readonly #disk: Disk;
  readonly #ballotPath: string;
  readonly #ballots = new NewestLast();
  readonly #schedules = new NewestLast();

  constructor(storageDirectory: string, disk: Disk) {
    this.directory = join(storageDirectory, 'schedule');
    this.#ballotPath = join(storageDirectory, 'election.json');
    this.#disk = disk;
  }

  async prepare(): Promise<void> {
    await this.#disk.makeDirectory(this.directory);
  }

  /** undefined when there is none. A damaged file is an error: the caller starts without a schedule and says so. */
  async loadSchedule(): Promise<ScheduleObject | undefined> {
    const text = await this.#disk.readText(join(this.directory, 'schedule.json'), FILE_BYTES_MAX);
    if (text === undefined) return undefined;
    const schedule = readSchedule(JSON.parse(text), sha1);
    if ('error' in schedule) throw new Error(schedule.error);
    return schedule;
  }

  /** Makes the directory when somebody removed it. */
  async saveSchedule(schedule: ScheduleObject): Promise<void> {
    await this.#schedules.write(async () => {
      await this.prepare();
      const pretty = `${JSON.stringify(schedule, null, 2)}\n`;
      // Indenting a list of small numbers makes it five times longer: what cannot be read again is not worth its beauty.
      const text = Buffer.byteLength(pretty) <= FILE_BYTES_MAX ? pretty : JSON.stringify(schedule);
      await this.#disk.writeAtomic(join(this.directory, 'schedule.json'), text);
    });
  }

  /** Adds the saved schedule to the hourly, daily and weekly files; one gzip, several links. */
  async addToHistory(wallMs: number): Promise<void> {
    const names = await readdir(this.directory);
    const plans = PERIODS.map(period => planHistory(period, names, wallMs, HISTORY_KEPT[period]));
    const added = plans.flatMap(({ add }) => (add === undefined ? [] : [add]));
    if (added.length > 0) await this.#link(added);
    for (const { remove } of plans) {
      for (const name of remove) await rm(join(this.directory, name), { force: true });
    }
  }

  async #link(names: readonly string[]): Promise<void> {
    const temporary = join(this.directory, '.history.tmp');
    const text = await readFile(join(this.directory, 'schedule.json'));
    await writeFile(temporary, await compress(text, { level: constants.Z_BEST_COMPRESSION }));
    for (const name of names) {
      const staged = join(this.directory, `.${name}.tmp`);
      await rm(staged, { force: true });
      await link(temporary, staged);
      await rename(staged, join(this.directory, name));
    }
    await rm(temporary, { force: true });
  }

  /** Names of the history without `.json.gz`, sorted. */
  async listHistory(): Promise<string[]> {
    const names = (await this.#disk.list(this.directory)) ?? [];
    return names
      .filter(name => /^(hourly|daily|weekly)-.*\.json\.gz$/.test(name))
      .map(name => name.slice(0, -8));
  }

  /** The gzip of one history file. Only letters, digits and dashes make a name. */
  async readHistory(name: string): Promise<Uint8Array | undefined> {
    if (!/^[A-Za-z0-9-]+$/.test(name)) return undefined;
    return await this.#disk.readBytes(join(this.directory, `${name}.json.gz`), FILE_BYTES_MAX);
  }

  async loadBallot(): Promise<Remembered> {
    const text = await this.#disk.readText(this.#ballotPath, BALLOT_BYTES_MAX);
    if (text === undefined) return { epoch: 0, ballot: null };
    const { epoch, ballot } = JSON.parse(text) as Record<string, unknown>;
    if (typeof epoch !== 'number' || !Number.isSafeInteger(epoch) || epoch < 0) throw new Error('bad epoch');
    return { epoch, ballot: typeof ballot === 'string' ? ballot : null };
  }

  /** Without fsync: survives a crash of the process, which is what the election relies on (core/election/state.ts). */
  async saveBallot(remembered: Remembered): Promise<void> {
    const text = `${JSON.stringify(remembered)}\n`;
    await this.#ballots.write(() => this.#disk.writeAtomic(this.#ballotPath, text, { fsync: false }));
  }
}
