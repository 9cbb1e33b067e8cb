// What the command line says, checked. Mistakes are sentences for the user.
import { isAddress } from '@suite/shared/wire/gossip.ts';
import { DEFAULTS } from './defaults.ts';

export interface CantalOptions {
  readonly host: string;
  readonly port: number;
  readonly bindLocalhost: boolean;
  readonly nodeName: string | undefined;
  readonly clusterName: string | undefined;
  /** Hex text. */
  readonly machineId: string | undefined;
  readonly intervalMs: number;
  readonly keepHistoryMs: number;
  readonly storageDir: string | undefined;
  readonly seeds: readonly string[];
  readonly cgroupBase: string | undefined;
}

export type OptionsResult =
  | { readonly ok: true; readonly value: CantalOptions }
  | { readonly ok: false; readonly error: string };

type Values = Readonly<Record<string, string | boolean | readonly string[] | undefined>>;

class OptionError extends Error {}

const UNITS_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  sec: 1000,
  second: 1000,
  m: 60_000,
  min: 60_000,
  minute: 60_000,
  h: 3_600_000,
  hr: 3_600_000,
  hour: 3_600_000,
  d: 86_400_000,
  day: 86_400_000,
};

/** `1 hour`, `30min`, `2h 5m`: milliseconds; undefined for anything else. */
export function parseDuration(text: string): number | undefined {
  const parts = [...text.matchAll(/(\d+)\s*([a-z]+)\s*/gy)];
  if (parts.length === 0 || parts.map(part => part[0]).join('') !== text.trimStart()) return undefined;
  let total = 0;
  for (const [, count, unit = ''] of parts) {
    const factor = UNITS_MS[unit] ?? UNITS_MS[unit.replace(/s$/, '')];
    if (factor === undefined) return undefined;
    total += Number(count) * factor;
  }
  return total;
}

function text(values: Values, name: string): string | undefined {
  const value = values[name];
  return typeof value === 'string' ? value : undefined;
}

function whole(values: Values, name: string, fallback: number, min: number, max: number): number {
  const given = text(values, name);
  if (given === undefined) return fallback;
  const value = Number(given);
  if (/^\d+$/.test(given) && value >= min && value <= max) return value;
  throw new OptionError(`--${name}: ${given} is not a whole number from ${min} to ${max}`);
}

function host(values: Values): string {
  const given = text(values, 'host') ?? DEFAULTS.host;
  if (isAddress(`${given}:1`)) return given;
  throw new OptionError(`--host: ${given} is not an IPv4 address (host names are not looked up)`);
}

function machineId(values: Values): string | undefined {
  const given = text(values, 'override-machine-id');
  if (given === undefined) return undefined;
  if (/^([0-9a-f]{2}){1,64}$/i.test(given)) return given.toLowerCase();
  throw new OptionError(`--override-machine-id: ${given} is not hex (two digits per byte, at most 64 bytes)`);
}

function keepHistory(values: Values): number {
  const given = text(values, 'keep-history');
  if (given === undefined) return DEFAULTS.keepHistoryMs;
  const value = parseDuration(given);
  if (value !== undefined && value >= 10_000) return value;
  throw new OptionError(
    `--keep-history: "${given}" is not a duration of at least 10 s, such as "1 hour" or "2h 5m"`,
  );
}

function seeds(values: Values): readonly string[] {
  const given = values.seed;
  const list = Array.isArray(given) ? (given as readonly string[]) : [];
  const full = list.map(seed => (seed.includes(':') ? seed : `${seed}:${DEFAULTS.port}`));
  const bad = full.find(seed => !isAddress(seed));
  if (bad !== undefined) throw new OptionError(`--seed: ${bad} is not IP:PORT`);
  if (full.length > 0 && text(values, 'cluster-name') === undefined) {
    throw new OptionError('--seed needs --cluster-name: without it there is no gossip');
  }
  return full;
}

/** `values` by long option name, as the command table gives them. */
export function parseOptions(values: Values): OptionsResult {
  try {
    if (values['config-dir'] !== undefined)
      throw new OptionError('--config-dir: carbon export is not available yet');
    return {
      ok: true,
      value: {
        host: host(values),
        port: whole(values, 'port', DEFAULTS.port, 1, 65_535),
        bindLocalhost: values['bind-localhost'] === true,
        nodeName: text(values, 'node-name'),
        clusterName: text(values, 'cluster-name'),
        machineId: machineId(values),
        intervalMs: whole(values, 'interval', DEFAULTS.intervalMs, 100, 3_600_000),
        keepHistoryMs: keepHistory(values),
        storageDir: text(values, 'storage-dir'),
        seeds: seeds(values),
        cgroupBase: text(values, 'cgroup-base'),
      },
    };
  } catch (error) {
    if (error instanceof OptionError) return { ok: false, error: error.message };
    throw error;
  }
}
