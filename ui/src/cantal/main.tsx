import { signal } from '@preact/signals';
import type {
  AllPeers,
  AllProcesses,
  CantalServerMessage,
  CantalStatus,
  QueryReply,
} from '@suite/shared/wire/cantal.ts';
import { render } from 'preact';
import { Chart, zoom } from '../common/chart.tsx';
import { bytes, count, duration } from '../common/format.ts';
import { Card, Frame, Freshness, nextTheme } from '../common/frame.tsx';
import { shortcut } from '../common/keyboard.tsx';
import { getJson, poll, postJson, push, RefusedError } from '../common/live.ts';
import { CHARTS, type ChartSpec, chartData, type ShownChart } from './charts.ts';
import { agentAheadMs, Collectors, Peers, Processes } from './tables.tsx';

const RANGES = { '5 min': 5, '15 min': 15, '1 h': 60 } as const;
type Range = keyof typeof RANGES;

/** One scan of the agent; tables need not be fresher, and a missed push is made good by the next poll. */
const ROUND_MS = 2_000;
const STALE_MS = 3 * ROUND_MS;

const wanted = new URLSearchParams(location.search);
const range = signal<Range>(
  (Object.keys(RANGES) as Range[]).find(name => name === wanted.get('range')) ?? '15 min',
);
const paused = signal(wanted.has('paused'));

const extractMs = (): number => RANGES[range.value] * 60_000;
const status = poll(async () => {
  const about = await getJson<CantalStatus>('status.json');
  agentAheadMs.value = about.current_time - Date.now();
  return about;
}, ROUND_MS);
const peers = poll(() => getJson<AllPeers>('all_peers.json'), ROUND_MS);
const processes = poll(() => getJson<AllProcesses>('all_processes.json'), 2 * ROUND_MS);
/** What each chart shows by its id, or why it cannot: a rule too large for the daemon must not empty the others. */
type Shown = Readonly<Record<string, ShownChart | string | undefined>>;

async function loadChart(spec: ChartSpec): Promise<ShownChart | string | undefined> {
  const rules = { [spec.id]: spec.rule(['HistoryByTime', extractMs()]) };
  try {
    const dataset = (await postJson<QueryReply>('query.json', { rules })).values[spec.id];
    return dataset && chartData(spec, dataset);
  } catch (error) {
    if (error instanceof RefusedError) return error.message;
    // No answer at all: the last figures of all charts stay, and the page says that they are old.
    throw error;
  }
}

async function loadCharts(): Promise<Shown> {
  const found = await Promise.all(CHARTS.map(async spec => [spec.id, await loadChart(spec)] as const));
  return Object.fromEntries(found);
}

let shown: { readonly range: Range; readonly charts: Shown } | undefined;
const charts = poll(async (): Promise<Shown> => {
  if (!paused.value || shown?.range !== range.value)
    shown = { range: range.value, charts: await loadCharts() };
  return shown.charts;
}, ROUND_MS);

push('ws', data => {
  if ((data as CantalServerMessage).type === 'scan') status.nudge();
});

/** Everything that changes what is seen stands in the address, so that a link shows the same view. */
function remember(): void {
  const query = new URLSearchParams(location.search);
  query.set('range', range.value);
  if (paused.value) query.set('paused', '');
  else query.delete('paused');
  history.replaceState(null, '', `?${query}`);
}

function setRange(name: Range): void {
  range.value = name;
  zoom.value = undefined;
  remember();
  charts.nudge();
}

function togglePause(): void {
  paused.value = !paused.value;
  remember();
}

shortcut('Space', 'pause or go on', togglePause);
shortcut('t', 'next theme', nextTheme);
shortcut('1', 'last 5 minutes', () => setRange('5 min'));
shortcut('2', 'last 15 minutes', () => setRange('15 min'));
shortcut('3', 'last hour', () => setRange('1 h'));
shortcut('z', 'reset zoom', () => (zoom.value = undefined));
shortcut('/', 'filter processes', () =>
  document.querySelector<HTMLInputElement>('input[type=search]')?.focus(),
);
for (const [key, name] of [
  ['c', 'Charts'],
  ['p', 'Peers'],
  ['s', 'Processes'],
  ['a', 'Agent'],
] as const)
  shortcut(`g ${key}`, `go to ${name.toLowerCase()}`, () =>
    document.querySelector(`[aria-label="${name}"]`)?.scrollIntoView(),
  );

function Tools() {
  return (
    <>
      <Freshness live={status.state.value} staleMs={STALE_MS} />
      <span class="segments">
        {(Object.keys(RANGES) as Range[]).map(name => (
          <button type="button" key={name} aria-pressed={range.value === name} onClick={() => setRange(name)}>
            {name}
          </button>
        ))}
      </span>
      {zoom.value && (
        <button type="button" onClick={() => (zoom.value = undefined)}>
          reset zoom
        </button>
      )}
      <button type="button" aria-pressed={paused.value} onClick={togglePause}>
        {paused.value ? 'paused' : 'pause'}
      </button>
    </>
  );
}

function ChartBody({ spec, shown }: { spec: ChartSpec; shown: ShownChart | string | undefined }) {
  if (typeof shown === 'string') return <p class="bad">{shown}</p>;
  if (shown === undefined) return <p class="quiet">nothing measured yet</p>;
  return <Chart data={shown} format={spec.format} top={spec.top} binary={spec.binary} />;
}

function hiddenNote(shown: ShownChart | string | undefined): string {
  return typeof shown === 'object' && shown.hidden > 0 ? `the largest, ${shown.hidden} more` : '';
}

function Charts() {
  const reply = charts.state.value.value;
  return (
    <section aria-label="Charts" class="grid">
      {CHARTS.map(spec => (
        <Card key={spec.id} title={spec.title} note={hiddenNote(reply?.[spec.id])}>
          {reply ? <ChartBody spec={spec} shown={reply[spec.id]} /> : <p class="quiet">loading…</p>}
        </Card>
      ))}
    </section>
  );
}

function Agent({ about }: { about: CantalStatus }) {
  return (
    <Card title="Agent">
      <dl class="facts">
        <div>
          <dt>up</dt>
          <dd>{duration(about.current_time - about.startup_time)}</dd>
        </div>
        <div>
          <dt>last scan took</dt>
          <dd>{about.scan_duration.toFixed(1)} ms</dd>
        </div>
        <div>
          <dt>scanning, share of a core</dt>
          <dd>{about.scan_load_percent.toFixed(2)} %</dd>
        </div>
        <div>
          <dt>series</dt>
          <dd>{count(about.fine_values)}</dd>
        </div>
        <div>
          <dt>history</dt>
          <dd>
            {about.history.scans} scans, {bytes(about.history.bytes)}
          </dd>
        </div>
        <div>
          <dt>its memory</dt>
          <dd>{about.self_report ? bytes(about.self_report.memory_rss) : '–'}</dd>
        </div>
      </dl>
      <Collectors status={about} />
    </Card>
  );
}

function Page() {
  const about = status.state.value.value;
  const known = peers.state.value.value?.peers ?? [];
  const here = about?.name ?? location.host;
  document.title = `${here} · cantal`;
  return (
    <Frame
      title={here}
      facts={
        <span class="quiet">
          cantal {about?.version} {about?.cluster_name ? `· cluster ${about.cluster_name}` : ''}
        </span>
      }
      tools={<Tools />}
    >
      <Charts />
      <Card
        title="Peers"
        note={`${known.filter(peer => peer.reachable).length} of ${known.length} reachable`}
      >
        <Peers peers={known} />
      </Card>
      <Card title="Processes" note={String(processes.state.value.value?.all.length ?? '')}>
        <Processes processes={processes.state.value.value?.all ?? []} />
      </Card>
      {about && <Agent about={about} />}
    </Frame>
  );
}

const root = document.getElementById('page');
if (root) render(<Page />, root);
