import type { Dataset, Extract, QueryRule, SeriesFunction, SeriesValue } from '@suite/shared/wire/cantal.ts';
import type { ChartData, Line } from '../common/chart.tsx';
import { bytes, count, percent } from '../common/format.ts';

/** One chart: what to ask the daemon and how to read the answer. */
export interface ChartSpec {
  readonly id: string;
  readonly title: string;
  readonly rule: (extract: Extract) => QueryRule;
  readonly label: (series: SeriesValue) => string;
  readonly format: (value: number) => string;
  /** Turns the decoded lines into what is drawn. */
  readonly shape?: (lines: readonly Line[]) => readonly Line[];
  /** The scale is in bytes. */
  readonly binary?: boolean;
  /** Upper end of the scale where there is a natural one. */
  readonly top?: number;
}

const RATE: SeriesFunction = ['NonNegativeDerivative'];
const perSecond = (value: number): string => `${count(value)}/s`;
const bytesPerSecond = (value: number): string => `${bytes(value)}/s`;
const LINES_MAX = 10;

const fine =
  (condition: QueryRule['series']['condition'], functions: readonly SeriesFunction[] = []) =>
  (extract: Extract): QueryRule => ({ series: { source: 'Fine', condition }, extract, functions });

const metric = ({ key }: SeriesValue): string => key.metric ?? Object.values(key).join(' ');

/** Ticks per second and mode, turned into shares of all cpu time (so that the number of cores does not matter). */
function shares(lines: readonly Line[]): readonly Line[] {
  const used = lines.filter(({ label }) => label !== 'guest' && label !== 'guest_nice');
  const length = used[0]?.values.length ?? 0;
  const totals = Array.from({ length }, (_, at) =>
    used.reduce((sum, { values }) => sum + (values[at] ?? 0), 0),
  );
  return used
    .filter(({ label }) => label !== 'idle')
    .map(({ label, values }) => ({
      label,
      values: values.map((value, at) => (value === null || !totals[at] ? null : (100 * value) / totals[at])),
    }));
}

/** The `LINES_MAX` lines with the largest newest value, in the order they had: a chart of a hundred lines tells nothing. */
function largest(lines: readonly Line[]): readonly Line[] {
  if (lines.length <= LINES_MAX) return lines;
  const newest = ({ values }: Line): number => values.findLast(value => value !== null) ?? 0;
  const kept = new Set([...lines].sort((a, b) => newest(b) - newest(a)).slice(0, LINES_MAX));
  return lines.filter(line => kept.has(line));
}

export const CHARTS: readonly ChartSpec[] = [
  {
    id: 'cpu',
    title: 'CPU, all cores',
    rule: fine(['RegexLike', 'metric', '^cpu\\.'], [RATE]),
    label: series => metric(series).replace('cpu.', ''),
    format: percent,
    shape: shares,
    top: 100,
  },
  {
    id: 'memory',
    title: 'Memory',
    rule: fine(['RegexLike', 'metric', '^memory\\.(MemTotal|MemAvailable|MemFree|Cached|SwapFree)$']),
    label: series => metric(series).replace('memory.', ''),
    format: bytes,
    binary: true,
  },
  {
    id: 'requests',
    title: 'Application requests by group',
    rule: fine(['RegexLike', 'metric', '^(requests|tasks)$'], [RATE, ['SumBy', 'group', 'Ignore', true]]),
    label: ({ key }) => key.group ?? 'all',
    format: perSecond,
  },
  {
    id: 'errors',
    title: 'Application errors by group',
    rule: fine(['Eq', 'metric', 'errors'], [RATE, ['SumBy', 'group', 'Ignore', false]]),
    label: ({ key }) => key.group ?? 'all',
    format: perSecond,
  },
  {
    id: 'groups-cpu',
    title: 'CPU by container',
    rule: fine(
      ['And', ['RegexLike', 'metric', '^(user|system)_time$'], ['Has', 'cgroup']],
      [RATE, ['SumBy', 'cgroup', 'Ignore', false]],
    ),
    label: ({ key }) => key.cgroup ?? '',
    format: percent,
  },
  {
    id: 'groups-memory',
    title: 'Resident memory by container',
    rule: fine(['And', ['Eq', 'metric', 'rss'], ['Has', 'cgroup']], [['SumBy', 'cgroup', 'Ignore', false]]),
    label: ({ key }) => key.cgroup ?? '',
    format: bytes,
    binary: true,
  },
  {
    id: 'network',
    title: 'Network, without lo',
    rule: fine(
      ['And', ['RegexLike', 'metric', '^net\\.interface\\.(rx|tx)\\.bytes$'], ['NotEq', 'interface', 'lo']],
      [RATE, ['SumBy', 'metric', 'Ignore', false]],
    ),
    label: series => metric(series).replace('net.interface.', '').replace('.bytes', ''),
    format: bytesPerSecond,
    binary: true,
  },
  {
    id: 'disk',
    title: 'Disk',
    rule: fine(
      ['RegexLike', 'metric', '^disk\\.(read|write)\\.bytes$'],
      [RATE, ['SumBy', 'metric', 'Ignore', false]],
    ),
    label: series => metric(series).replace('disk.', '').replace('.bytes', ''),
    format: bytesPerSecond,
    binary: true,
  },
  {
    id: 'load',
    title: 'Load average',
    rule: fine(['RegexLike', 'metric', '^load_avg_']),
    label: series => metric(series).replace('load_avg_', ''),
    format: value => value.toFixed(2),
  },
];

export interface ShownChart extends ChartData {
  /** Lines that were left out because others have larger values. */
  readonly hidden: number;
}

/** The dataset of one chart, oldest sample first; undefined when there is nothing to draw. */
export function chartData(spec: ChartSpec, dataset: Dataset): ShownChart | undefined {
  if (dataset.type !== 'MultiSeries' && dataset.type !== 'SingleSeries') return undefined;
  const series = dataset.type === 'MultiSeries' ? dataset.series : [dataset.series];
  if (series.length === 0 || dataset.timestamps.length === 0) return undefined;
  const lines = series.map(one => ({ label: spec.label(one), values: one.values.toReversed() }));
  const ordered = lines.sort((a, b) => a.label.localeCompare(b.label));
  const all = spec.shape?.(ordered) ?? ordered;
  const shown = largest(all);
  return { times: dataset.timestamps.toReversed(), lines: shown, hidden: all.length - shown.length };
}
