import { signal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { theme } from './frame.tsx';

/** Okabe–Ito without black, in an order whose neighbours differ in lightness too. */
const COLOURS = ['#0072b2', '#e69f00', '#009e73', '#d55e00', '#56b4e9', '#cc79a7', '#8a7f2f'];
const CURSOR_GROUP = 'all-charts';
const HEIGHT_PX = 180;

export interface Line {
  readonly label: string;
  /** null = no sample there: drawn as a gap. */
  readonly values: readonly (number | null)[];
}

export interface ChartData {
  /** Unix ms, oldest first. */
  readonly times: readonly number[];
  readonly lines: readonly Line[];
}

/** Range chosen by dragging in any chart, unix seconds; undefined = the live window. */
export const zoom = signal<readonly [number, number] | undefined>(undefined);

const colour = (name: string): string =>
  getComputedStyle(document.documentElement).getPropertyValue(name).trim() || '#888';

function resolved(name: string): string {
  const probe = document.createElement('span');
  probe.style.color = `var(${name}, ${colour(name)})`;
  document.body.append(probe);
  const value = getComputedStyle(probe).color;
  probe.remove();
  return value;
}

/** Steps of a scale of bytes, so that its labels are round numbers of KiB, MiB, GiB. */
const BINARY_STEPS = Array.from({ length: 51 }, (_, power) => 2 ** power);

function timeLabels(_plot: uPlot, ticks: number[], _axis: number, _space: number, step: number): string[] {
  const seconds = step < 60 ? ({ second: '2-digit' } as const) : {};
  return ticks.map(tick =>
    new Date(tick * 1000).toLocaleTimeString([], {
      hour: '2-digit',
      minute: '2-digit',
      ...seconds,
      hourCycle: 'h23',
    }),
  );
}

function axis(): uPlot.Axis {
  const line = { stroke: resolved('--line'), width: 1 };
  return { stroke: resolved('--quiet'), grid: line, ticks: line, font: '11px system-ui' };
}

function options(
  width: number,
  lines: readonly Line[],
  format: (value: number) => string,
  top: number | undefined,
  binary: boolean,
): uPlot.Options {
  const values = (_plot: uPlot, ticks: number[]): string[] => ticks.map(format);
  return {
    width,
    height: HEIGHT_PX,
    cursor: { sync: { key: CURSOR_GROUP }, drag: { x: true, y: false, setScale: false } },
    scales: { y: { range: (_plot, min, max) => [Math.min(0, min), top ?? (max > 0 ? max * 1.1 : 1)] } },
    axes: [
      { ...axis(), space: 70, values: timeLabels },
      { ...axis(), size: 74, values, ...(binary && { incrs: BINARY_STEPS }) },
    ],
    series: [
      { value: (_plot, seconds) => (seconds == null ? '' : new Date(seconds * 1000).toLocaleTimeString()) },
      ...lines.map(({ label }, index) => ({
        label,
        stroke: COLOURS[index % COLOURS.length] ?? '#888',
        width: 1.5,
        dash: index >= COLOURS.length ? [5, 3] : [],
        spanGaps: false,
        points: { show: false },
        value: (_plot: uPlot, value: number | null) => (value == null ? '–' : format(value)),
      })),
    ],
    hooks: { setSelect: [select] },
  };
}

/** Drag to zoom all charts; a double click (uPlot's own reset) clears it. */
function select(plot: uPlot): void {
  if (plot.select.width < 4) return;
  zoom.value = [
    plot.posToVal(plot.select.left, 'x'),
    plot.posToVal(plot.select.left + plot.select.width, 'x'),
  ];
  plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
}

const columns = ({ times, lines }: ChartData): uPlot.AlignedData => [
  times.map(time => time / 1000),
  ...lines.map(({ values }) => [...values]),
];

export function Chart({
  data,
  format,
  top,
  binary = false,
}: {
  data: ChartData;
  format: (value: number) => string;
  top?: number | undefined;
  /** The values are bytes. */
  binary?: boolean | undefined;
}) {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot>(undefined);
  const labels = data.lines.map(({ label }) => label).join('\n');
  const scheme = theme.value;
  useEffect(() => {
    const element = place.current;
    if (element === null) return;
    const made = new uPlot(
      options(element.clientWidth, data.lines, format, top, binary),
      columns(data),
      element,
    );
    plot.current = made;
    const resize = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height: HEIGHT_PX }));
    resize.observe(element);
    element.ondblclick = () => {
      zoom.value = undefined;
    };
    return () => {
      resize.disconnect();
      made.destroy();
    };
    // The plot is made anew only when its lines or colours change; new samples go through setData below.
  }, [labels, scheme]);
  const window = zoom.value;
  useEffect(() => {
    plot.current?.setData(columns(data), window === undefined);
    if (window !== undefined) plot.current?.setScale('x', { min: window[0], max: window[1] });
  }, [data, window]);
  return <div ref={place} class="chart" />;
}
