// The figures of the host: which file goes to which parser.
import { parseDiskstats } from '../core/collect/disks.ts';
import { parseFileNr, parseLoadavg, parseUptime } from '../core/collect/load.ts';
import { parseMeminfo } from '../core/collect/meminfo.ts';
import { parseNetDev, parseNetstat } from '../core/collect/network.ts';
import { parsePressure } from '../core/collect/pressure.ts';
import { Recorder } from '../core/collect/recorder.ts';
import type { Sample } from '../core/collect/sample.ts';
import { parseStat } from '../core/collect/stat.ts';
import type { History } from '../core/history/history.ts';
import { KeptFile } from './files.ts';

/** One source of figures. `collect` throws when it fails; `blank` then removes the old values. */
export interface Collector {
  readonly name: string;
  collect(nowMs: number): void;
  blank(): void;
  close(): void;
}

const SOURCES: readonly (readonly [name: string, file: string, parse: (text: string) => Sample[]])[] = [
  ['cpu', 'stat', parseStat],
  ['memory', 'meminfo', parseMeminfo],
  ['load', 'loadavg', parseLoadavg],
  ['uptime', 'uptime', parseUptime],
  ['open_files', 'sys/fs/file-nr', parseFileNr],
  ['disks', 'diskstats', parseDiskstats],
  ['network', 'net/dev', parseNetDev],
  ['netstat', 'net/netstat', parseNetstat],
  ['pressure_cpu', 'pressure/cpu', text => parsePressure(text, 'cpu')],
  ['pressure_memory', 'pressure/memory', text => parsePressure(text, 'memory')],
  ['pressure_io', 'pressure/io', text => parsePressure(text, 'io')],
];

class FileCollector implements Collector {
  readonly name: string;
  readonly #file: KeptFile;
  readonly #parse: (text: string) => Sample[];
  readonly #recorder: Recorder;

  constructor(name: string, path: string, parse: (text: string) => Sample[], history: History) {
    this.name = name;
    this.#file = new KeptFile(path);
    this.#parse = parse;
    this.#recorder = new Recorder(history);
  }

  /** An absent file has no metrics and is no failure: kernels differ. */
  collect(): void {
    const text = this.#file.text();
    this.#recorder.record(text === undefined ? [] : this.#parse(text));
  }

  blank(): void {
    this.#recorder.blank();
  }

  close(): void {
    this.#file.close();
  }
}

export function machineCollectors(procRoot: string, history: History): Collector[] {
  return SOURCES.map(([name, file, parse]) => new FileCollector(name, `${procRoot}/${file}`, parse, history));
}
