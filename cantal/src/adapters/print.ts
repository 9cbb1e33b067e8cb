// `cantal print`: what a file or a process publishes, without a daemon.
import { existsSync, readFileSync } from 'node:fs';
import {
  METRIC_LIMITS,
  type MetricField,
  parseMeta,
  readNumber,
  readState,
} from '@suite/shared/wire/cantal-metrics.ts';
import { parseEnvironment } from '../core/collect/process.ts';
import { readPlain } from './files.ts';

const SUFFIX = /\.values$/;

function valueText(view: DataView, field: MetricField): string {
  if (field.type === 'state') {
    const [since, text] = readState(view, field);
    return `State((${since}, ${JSON.stringify(text)}))`;
  }
  const value = readNumber(view, field);
  if (field.type === 'counter') return `Counter(${value})`;
  return field.type === 'signed' ? `Integer(${value})` : `Float(${value})`;
}

/** Lines `prefix: json value`. Throws an Error whose message names what is wrong. */
function printFile(prefix: string, base: string): string[] {
  const meta = readPlain(`${base}.meta`, METRIC_LIMITS.metaBytes, () => true);
  if (meta === undefined) throw new Error(`${base}.meta cannot be read`);
  const parsed = parseMeta(meta.bytes.toString('utf8'));
  if (!parsed.ok) throw new Error(`${base}.meta: ${parsed.error}`);
  const values = readPlain(`${base}.values`, METRIC_LIMITS.valuesBytes, () => true);
  if (values === undefined) throw new Error(`${base}.values cannot be read`);
  const { bytes } = values;
  if (bytes.length < parsed.meta.sizeBytes) throw new Error(`${base}.values is shorter than its fields`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return parsed.meta.fields.map(field => `${prefix}: ${field.json} ${valueText(view, field)}`);
}

/** Files under the fallback directory of the client libraries that the process has mapped. */
function mappedFiles(pid: string): string[] {
  const directory = `${process.env.XDG_RUNTIME_DIR ?? '/tmp'}/`;
  const paths = readFileSync(`/proc/${pid}/maps`, 'utf8')
    .split('\n')
    .map(line => line.slice(line.indexOf('/')))
    .filter(path => path.startsWith(directory) && SUFFIX.test(path));
  return [...new Set(paths)];
}

function printProcess(pid: string): string[] {
  const environment = parseEnvironment(readFileSync(`/proc/${pid}/environ`, 'utf8'));
  if (environment !== undefined) return printFile(pid, `/proc/${pid}/root/${environment.path}`);
  const files = mappedFiles(pid);
  if (files.length === 0) throw new Error(`process ${pid} has no CANTAL_PATH and maps no .values file`);
  return files.flatMap(file => printFile(pid, `/proc/${pid}/root${file.replace(SUFFIX, '')}`));
}

/** One argument of `cantal print`: an existing path, else a process id. Throws an Error for the user. */
export function printArgument(argument: string): string[] {
  if (existsSync(argument)) return printFile(argument, argument.replace(SUFFIX, ''));
  if (/^\d+$/.test(argument)) return printProcess(argument);
  throw new Error(`${argument} is neither a file nor a process id`);
}
