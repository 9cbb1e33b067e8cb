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
import { getJson, poll, postJson, push } from '../common/live.ts';
import { CHARTS, chartData } from './charts.ts';
import { Collectors, Peers, Processes } from './tables.tsx';

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
const rules = () =>
  Object.fromEntries(CHARTS.map(spec => [spec.id, spec.rule(['HistoryByTime', extractMs()])]));

const status = poll(() => getJson<CantalStatus>('status.json'), ROUND_MS);
const peers = poll(() => getJson<AllPeers>('all_peers.json'), ROUND_MS);
const processes = poll(() => getJson<AllProcesses>('all_processes.json'), 2 * ROUND_MS);
let shown: QueryReply | undefined;
const charts = poll(async (): Promise<QueryReply> => {
  if (!paused.value || shown === undefined)
    shown = await postJson<QueryReply>('query.json', { rules: rules() });
  return shown;
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

function Charts() {
  const reply = charts.state.value.value;
  return (
    <section aria-label="Charts" class="grid">
      {CHARTS.map(spec => {
        const data = chartData(spec, reply?.values[spec.id]);
        return (
          <Card key={spec.id} title={spec.title}>
            {data ? (
              <Chart data={data} format={spec.format} top={spec.top} />
            ) : (
              <p class="quiet">{reply ? 'nothing measured yet' : 'loading…'}</p>
            )}
          </Card>
        );
      })}
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
