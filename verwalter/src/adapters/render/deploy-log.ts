import { appendFile, mkdir, readlink, rename, rm, stat, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '@suite/shared/ports/index.ts';
import { LOG_SEGMENT_BYTES_MAX } from '../../config/defaults.ts';

/**
 * Logs of deployments. Text goes to `<logDir>/{.global,.changes,ROLE}/log.SEGMENT.txt` (newest: `latest`); every mark also gets a line
 * `[time, deployment id, pointer, marker]` in `<logDir>/.index/index.DATE.json`, so that a reader finds the place in the text.
 */

export interface Place {
  readonly segment: string;
  /** Bytes before this. */
  readonly offset: number;
}

/** Where text goes: files, or one stream in a dry run. */
export interface LogSink {
  /** Size of the log `name` before the text is added. */
  append(name: string, text: string): Promise<Place>;
  index(line: string, day: string): Promise<void>;
}

type Pointer = { readonly variant: string; readonly fields: readonly (string | number)[] };
type Marker =
  | string
  | { readonly variant: 'ActionStart' | 'ActionFinish'; readonly fields: readonly string[] };

/** `20240131T…` digits of a time, UTC. */
function digits(wallMs: number, length: number): string {
  return new Date(wallMs)
    .toISOString()
    .replace(/[^0-9]/g, '')
    .slice(0, length);
}

/** Replaces the link in one step. */
async function point(link: string, target: string): Promise<void> {
  const temporary = `${link}.tmp`;
  await rm(temporary, { force: true });
  await symlink(target, temporary);
  await rename(temporary, link);
}

const sizeOf = (path: string) =>
  stat(path).then(
    found => found.size,
    () => 0,
  );

async function segmentOf(directory: string, wallMs: number): Promise<string> {
  const latest = await readlink(join(directory, 'latest')).catch(() => undefined);
  const segment = /^log\.(\d+)\.txt$/.exec(latest ?? '')?.[1];
  if (segment !== undefined && (await sizeOf(join(directory, `log.${segment}.txt`))) < LOG_SEGMENT_BYTES_MAX)
    return segment;
  return digits(wallMs, 14);
}

/** Files below `logDir`. A segment is chosen once per deployment. */
export function fileSink(logDir: string, clock: Clock): LogSink {
  const segments = new Map<string, string>();
  return {
    async append(name, text) {
      const directory = join(logDir, name);
      let segment = segments.get(name);
      if (segment === undefined) {
        await mkdir(directory, { recursive: true });
        segment = await segmentOf(directory, clock.wallMs());
        segments.set(name, segment);
        await point(join(directory, 'latest'), `log.${segment}.txt`);
      }
      const file = join(directory, `log.${segment}.txt`);
      const offset = await sizeOf(file);
      await appendFile(file, text);
      return { segment, offset };
    },
    async index(line, day) {
      const directory = join(logDir, '.index');
      await mkdir(directory, { recursive: true });
      await appendFile(join(directory, `index.${day}.json`), line);
      await point(join(directory, 'latest'), `index.${day}.json`);
    },
  };
}

/** Everything to `write`, as a dry run wants it. */
export function streamSink(write: (text: string) => void): LogSink {
  return {
    append: async (_name, text) => {
      write(text);
      return { segment: 'dry-run', offset: 0 };
    },
    index: async line => write(line),
  };
}

/** Log of one role in one deployment. */
export interface RoleLog {
  write(text: string): Promise<void>;
  action(marker: 'ActionStart' | 'ActionFinish', renderFile: string): Promise<void>;
  external(path: string, offset: number): Promise<void>;
  finish(): Promise<void>;
}

export class DeployLog {
  readonly #sink: LogSink;
  readonly #clock: Clock;
  readonly #id: string;
  readonly #day: string;

  constructor(sink: LogSink, clock: Clock, deploymentId: string) {
    this.#sink = sink;
    this.#clock = clock;
    this.#id = deploymentId;
    this.#day = digits(clock.wallMs(), 8);
  }

  #time(): string {
    return `${new Date(this.#clock.wallMs()).toISOString().slice(0, 19)}Z`;
  }

  async #index(pointer: Pointer, marker: Marker): Promise<void> {
    await this.#sink.index(`${JSON.stringify([this.#time(), this.#id, pointer, marker])}\n`, this.#day);
  }

  async global(marker: 'DeploymentStart' | 'DeploymentFinish' | 'DeploymentError', text = ''): Promise<void> {
    const { segment, offset } = await this.#sink.append(
      '.global',
      `------ ${this.#time()} ${this.#id} ${marker} ------\n${text}`,
    );
    await this.#index({ variant: 'Global', fields: [segment, offset] }, marker);
  }

  /** One sentence per line; written once per new schedule. */
  async changes(hash: string, lines: readonly string[]): Promise<void> {
    const text = lines
      .map(line => `${this.#time()}: ${hash.slice(0, 8)}: ${line.replaceAll('\n', ' ')}\n`)
      .join('');
    const { segment, offset } = await this.#sink.append('.changes', text);
    await this.#index({ variant: 'Changes', fields: [segment, offset] }, 'DeploymentChanges');
  }

  async role(name: string): Promise<RoleLog> {
    const mark = async (marker: Marker) => {
      const shown = typeof marker === 'string' ? marker : `${marker.variant} ${marker.fields.join(' ')}`;
      const heading = `------ ${this.#time()} ${this.#id} ${name} ${shown} ------\n`;
      const { segment, offset } = await this.#sink.append(name, heading);
      await this.#index({ variant: 'Role', fields: [name, segment, offset] }, marker);
    };
    await mark('RoleStart');
    return {
      write: async text =>
        void (text === '' || (await this.#sink.append(name, text.endsWith('\n') ? text : `${text}\n`))),
      action: (marker, renderFile) => mark({ variant: marker, fields: [renderFile] }),
      external: (path, offset) => this.#index({ variant: 'External', fields: [path, offset] }, 'ExternalLog'),
      finish: () => mark('RoleFinish'),
    };
  }
}
