// What lithos_logs does: finds the files, reads and merges them, and goes on while they grow.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Colours, colours } from '@suite/shared/cli/colours.ts';
import { EXIT } from '@suite/shared/cli/exit.ts';
import { realClock, realDisk } from '@suite/shared/ports/real.ts';
import { printDiagnostics } from '@suite/shared/schema/index.ts';
import { nearest } from '@suite/shared/schema/nearest.ts';
import { loadMaster } from '../adapters/load-master.ts';
import { LogReader } from '../adapters/logs/read-log.ts';
import { LOGS } from '../config/defaults.ts';
import { printableInColour } from '../core/instance/printable.ts';
import { isShown, type LogFilter, mergeByTime } from '../core/logs/filter.ts';
import type { LogEntry } from '../core/logs/joiner.ts';
import { groupLogs, isMeant } from '../core/logs/names.ts';

export interface LogsOptions {
  readonly config: string;
  readonly names: readonly string[];
  readonly follow: boolean;
  readonly tail: number | undefined;
  readonly filter: LogFilter;
  readonly json: boolean;
  readonly timestamps: boolean;
}

/** Of each instance. */
type Readers = Map<string, LogReader>;

/** Few lines are so long that they were written in parts. */
const PARTS = 16;

class Failed extends Error {}

async function logDirectory(config: string): Promise<string> {
  const texts = new Map<string, string>();
  const master = await loadMaster(realDisk, config, texts);
  if (master.ok) return master.value.paths.stdioLogDir;
  const colour = colours(process.stderr, process.env).enabled;
  throw new Failed(printDiagnostics(master.errors, texts, { colour }).trimEnd());
}

function list(directory: string): Map<string, number[]> {
  try {
    return groupLogs(readdirSync(directory));
  } catch (error) {
    throw new Failed(`stdio-log-dir ${directory}: ${(error as Error).message}`);
  }
}

/** All whose logs are wanted; a name that means none is an error. */
function choose(known: readonly string[], names: readonly string[], directory: string): string[] {
  if (known.length === 0) throw new Failed(`no program has written a log into ${directory} yet`);
  if (names.length === 0)
    throw new Failed(`whose log? One or more of\n${known.map(each => `  ${each}\n`).join('')}`);
  for (const name of names) {
    if (known.some(each => isMeant(each, name))) continue;
    const guess = nearest(
      name,
      known.flatMap(each => [each, each.replace(/\.\d+$/, ''), each.replace(/\/.*/, '')]),
    );
    throw new Failed(`no log of \`${name}\`${guess === undefined ? '' : `: did you mean \`${guess}\`?`}`);
  }
  return known.filter(each => names.some(name => isMeant(each, name)));
}

class Printer {
  private readonly options: LogsOptions;
  private readonly ink: Colours;
  private width = 0;

  constructor(options: LogsOptions) {
    this.options = options;
    this.ink = colours(process.stdout, process.env);
  }

  /** With several instances each line says whose it is. */
  announce(instances: readonly string[]): void {
    this.width = instances.length > 1 ? Math.max(...instances.map(({ length }) => length)) : 0;
  }

  async print(instance: string, entry: LogEntry): Promise<void> {
    const line = this.options.json ? this.jsonLine(instance, entry) : this.textLine(instance, entry);
    if (!process.stdout.write(`${line}\n`))
      await new Promise(resolve => process.stdout.once('drain', resolve));
  }

  /** Colours end with their line. */
  private onTerminal(text: string): string {
    const shown = printableInColour(text);
    return shown.includes('\x1b') ? `${shown}\x1b[0m` : shown;
  }

  private jsonLine(instance: string, { time, stream, text }: LogEntry): string {
    return JSON.stringify({ time, instance, stream: stream ?? null, text });
  }

  private textLine(instance: string, { time, stream, text }: LogEntry): string {
    const whose = this.width > 0 ? `${this.ink.cyan(instance.padEnd(this.width))} ` : '';
    const when = this.options.timestamps ? `${this.ink.dim(time)} ` : '';
    // Whatever a program writes must not reach into the terminal of whoever looks.
    const shown = process.stdout.isTTY ? this.onTerminal(text) : text;
    return `${whose}${when}${stream === 'lithos' ? this.ink.dim(shown) : shown}`;
  }
}

function* filtered(entries: Iterable<LogEntry>, { filter, tail }: LogsOptions): Generator<LogEntry> {
  const kept: LogEntry[] = [];
  for (const entry of entries) {
    if (!isShown(entry, filter)) continue;
    if (tail === undefined) yield entry;
    else if (kept.push(entry) > tail) kept.shift();
  }
  yield* kept;
}

async function printAll(
  parts: readonly { readonly instance: string; readonly entries: Iterable<LogEntry> }[],
  printer: Printer,
): Promise<void> {
  for (const { index, entry } of mergeByTime(parts.map(({ entries }) => entries)))
    await printer.print(parts[index]?.instance ?? '', entry);
}

function begin(readers: Readers, options: LogsOptions) {
  // A filter finds its lines anywhere.
  // Parts of long lines are lines of the file too.
  const last =
    options.filter.text === undefined && options.tail !== undefined ? 2 * options.tail + PARTS : undefined;
  return [...readers].map(([instance, reader]) => ({
    instance,
    entries: filtered(reader.read(last, options.filter.sinceMs), options),
  }));
}

/** New instances of the names join in. */
function lookForMore(directory: string, readers: Readers, options: LogsOptions, printer: Printer): void {
  const known = list(directory);
  const more = [...known.keys()].filter(
    each => !readers.has(each) && options.names.some(name => isMeant(each, name)),
  );
  for (const instance of more) readers.set(instance, readerOf(directory, instance, []));
  if (more.length > 0) printer.announce([...readers.keys()]);
}

function readerOf(directory: string, instance: string, ages: readonly number[]): LogReader {
  const path = join(directory, `${instance.replace('/', '.')}.log`);
  return new LogReader({ path, ages: ages.filter(age => age > 0) });
}

async function follow(directory: string, readers: Readers, options: LogsOptions, printer: Printer) {
  let ended = false;
  process.stdout.on('error', () => {
    ended = true;
  });
  const anyNumber = { ...options, tail: undefined };
  while (!ended) {
    await new Promise<void>(resolve => realClock.after(LOGS.followMs, resolve));
    lookForMore(directory, readers, options, printer);
    const parts = [...readers].map(([instance, reader]) => ({
      instance,
      entries: filtered(reader.more(), anyNumber),
    }));
    await printAll(parts, printer);
  }
}

async function show(options: LogsOptions): Promise<void> {
  const directory = await logDirectory(options.config);
  const known = list(directory);
  const chosen = choose([...known.keys()], options.names, directory);
  const readers: Readers = new Map(
    chosen.map(instance => [instance, readerOf(directory, instance, known.get(instance) ?? [])]),
  );
  const printer = new Printer(options);
  printer.announce(chosen);
  await printAll(begin(readers, options), printer);
  if (options.follow) await follow(directory, readers, options, printer);
}

/** Exit code. */
export async function showLogs(options: LogsOptions): Promise<number> {
  try {
    await show(options);
    return EXIT.ok;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (!(error instanceof Failed) && code === undefined) throw error;
    process.stderr.write(`lithos_logs: ${message.trimEnd()}\n`);
    return EXIT.failed;
  }
}
