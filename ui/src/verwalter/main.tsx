import { signal } from '@preact/signals';
import type {
  ScheduleObject,
  StatusEvent,
  VerwalterPeer,
  VerwalterStatus,
} from '@suite/shared/wire/verwalter.ts';
import { render } from 'preact';
import { clockTime, duration } from '../common/format.ts';
import { Card, Frame, Freshness, nextTheme, nowMs } from '../common/frame.tsx';
import { shortcut } from '../common/keyboard.tsx';
import { getJson, poll, postJson, push } from '../common/live.ts';
import { Alerts } from './alerts.tsx';
import { Buttons, reason } from './buttons.tsx';
import './page.css';
import { changes } from './schedule.ts';
import { Peers, Roles } from './tables.tsx';
import { Topology } from './topology.tsx';

/** A scheduler round; a push makes the page quicker than that. */
const ROUND_MS = 2_000;
const STALE_MS = 3 * ROUND_MS;
const LOG_LINES_MAX = 50;

const status = poll(() => getJson<VerwalterStatus>('v1/status'), ROUND_MS);
const schedule = poll(() => getJson<ScheduleObject>('v1/schedule'), ROUND_MS);
const peers = poll(() => getJson<VerwalterPeer[]>('v1/peers'), ROUND_MS);
const pending = poll(() => getJson<Record<string, unknown>>('v1/pending_actions'), ROUND_MS);

push('v1/events', data => {
  if ((data as StatusEvent).type !== 'status') return;
  status.nudge();
  schedule.nudge();
  pending.nudge();
});

/** Changes seen since the page was opened, newest first, each once per schedule. */
const log = signal<readonly { readonly id: string; readonly text: string }[]>([]);
schedule.state.subscribe(({ value }) => {
  if (value === undefined || log.peek().some(line => line.id.startsWith(value.hash))) return;
  const at = clockTime(value.timestamp);
  const lines = changes(value).map((text, index) => ({
    id: `${value.hash}.${index}`,
    text: `${at}  ${text}`,
  }));
  const first = {
    id: value.hash,
    text: `${at}  schedule ${value.hash.slice(0, 8)} by ${value.origin.slice(0, 8)}`,
  };
  log.value = [first, ...lines, ...log.peek()].slice(0, LOG_LINES_MAX);
});

shortcut('t', 'next theme', nextTheme);
for (const [key, name] of [
  ['r', 'What runs where'],
  ['b', 'Buttons'],
  ['p', 'Peers'],
  ['c', 'Changes'],
] as const)
  shortcut(`g ${key}`, `go to ${name.toLowerCase()}`, () =>
    document.querySelector(`[aria-label="${name}"]`)?.scrollIntoView(),
  );

const rendering = signal('');

async function renderAgain(): Promise<void> {
  try {
    await postJson('v1/force_render_all', {});
    rendering.value = `asked for at ${clockTime(Date.now())}`;
  } catch (error) {
    rendering.value = `failed: ${reason(error)}`;
  }
}

function Leader({ about }: { about: VerwalterStatus }) {
  const { leader, election_state: election } = about;
  if (election.is_leader) return <strong class="good">this host</strong>;
  if (leader === null) return <strong class="bad">nobody: {election.kind}</strong>;
  return <a href={`http://${leader.addr}/${location.search}`}>{leader.hostname || leader.id.slice(0, 8)}</a>;
}

function Overview({ about }: { about: VerwalterStatus }) {
  const { election_state: election } = about;
  const stable = election.last_stable_timestamp;
  const made = about.schedule_timestamp;
  return (
    <Card title="Cluster">
      <dl class="facts">
        <div>
          <dt>leader</dt>
          <dd>
            <Leader about={about} />
          </dd>
        </div>
        <div>
          <dt>epoch</dt>
          <dd>{election.epoch}</dd>
        </div>
        <div>
          <dt>this host is</dt>
          <dd>
            {election.kind}
            {stable !== null && (
              <span class="quiet">
                {' '}
                {election.is_stable ? 'for' : '· unstable for'} {duration(Math.max(0, nowMs.value - stable))}
              </span>
            )}
          </dd>
        </div>
        <div>
          <dt>in my partition</dt>
          <dd>
            {about.peers_reachable + 1} of {about.peers + 1} hosts
          </dd>
        </div>
        <div>
          <dt>schedule</dt>
          <dd>
            <code>{about.schedule_id?.slice(0, 8) ?? '–'}</code>{' '}
            <span class={about.schedule_status === 'ok' ? 'good' : 'warn'}>{about.schedule_status}</span>
          </dd>
        </div>
        <div>
          <dt>made</dt>
          <dd>{made === null ? '–' : `${duration(Math.max(0, nowMs.value - made))} ago`}</dd>
        </div>
        <div>
          <dt>errors</dt>
          <dd class={about.num_errors > 0 ? 'bad' : 'good'}>{about.num_errors}</dd>
        </div>
      </dl>
    </Card>
  );
}

function reachableHosts(about: VerwalterStatus, known: readonly VerwalterPeer[]): ReadonlySet<string> {
  return new Set([about.hostname, ...known.filter(peer => peer.reachable).map(peer => peer.hostname)]);
}

function Page() {
  const about = status.state.value.value;
  const plan = schedule.state.value.value;
  const known = peers.state.value.value ?? [];
  document.title = `${about?.hostname ?? location.host} · verwalter`;
  return (
    <Frame
      title={about?.hostname ?? location.host}
      facts={<span class="quiet">verwalter {about?.version}</span>}
      tools={<Freshness live={status.state.value} staleMs={STALE_MS} />}
    >
      {about && <Alerts about={about} peers={known} />}
      {about && <Overview about={about} />}
      {about && plan && <Topology schedule={plan} reachable={reachableHosts(about, known)} />}
      {plan === undefined && (
        <Card title="What runs where">{schedule.state.value.error ? 'No schedule yet.' : 'loading…'}</Card>
      )}
      {about && plan && (
        <Buttons
          schedule={plan}
          about={about}
          pending={Object.keys(pending.state.value.value ?? {}).length}
        />
      )}
      {about && (
        <Card title="Roles on this host" note={String(about.roles)}>
          <Roles status={about} />
          <p>
            <button type="button" onClick={() => void renderAgain()}>
              Render all again
            </button>{' '}
            <span class="quiet">{rendering.value}</span>
          </p>
        </Card>
      )}
      <Card
        title="Peers"
        note={`${known.filter(peer => peer.reachable).length} of ${known.length} reachable`}
      >
        <Peers peers={known} />
      </Card>
      <Card title="Changes" note="since this page was opened">
        <ul class="changes mono">
          {log.value.map(line => (
            <li key={line.id}>{line.text}</li>
          ))}
        </ul>
      </Card>
    </Frame>
  );
}

const root = document.getElementById('page');
if (root) render(<Page />, root);
