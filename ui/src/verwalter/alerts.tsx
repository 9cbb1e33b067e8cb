import type { RoleState, VerwalterPeer, VerwalterStatus } from '@suite/shared/wire/verwalter.ts';
import type { ComponentChildren } from 'preact';
import { duration } from '../common/format.ts';
import { nowMs } from '../common/frame.tsx';

/** What an error domain of the status is about, in words a stranger knows. */
const DOMAINS: Readonly<Record<string, string>> = {
  scheduler: 'The scheduler fails, the last good schedule stays in force',
  scheduler_load: 'The scheduler cannot be loaded, the version before goes on',
  runtime: 'Metadata cannot be read',
  storage: 'The storage directory cannot be written',
  log: 'The log directory cannot be written',
  cantal: 'The local cantal does not answer, the list of peers grows old',
  machine_id: 'Two machines have one id',
};

function Alert({ title, children }: { title: string; children?: ComponentChildren }) {
  return (
    <div class="alert">
      <strong>{title}</strong>
      {children}
    </div>
  );
}

function NoLeader({ about }: { about: VerwalterStatus }) {
  const { election_state: election } = about;
  const since = election.last_stable_timestamp;
  const age = since === null ? '' : `, for ${duration(Math.max(0, nowMs.value - since))} nobody has led`;
  return (
    <Alert title={`No leader: this host is ${election.kind}`}>
      <p>
        In reach are {about.peers_reachable + 1} of {about.peers + 1} hosts{age}. What runs goes on; nothing
        new is scheduled, and buttons are refused.
      </p>
    </Alert>
  );
}

function FailedRole({ role }: { role: RoleState }) {
  const left = role.retry_at === null ? undefined : Math.max(0, role.retry_at - nowMs.value);
  return (
    <Alert title={`Role ${role.name} failed${role.attempts > 1 ? ` ${role.attempts} times` : ''}`}>
      {left !== undefined && <span> · next try in {duration(left)}</span>}
      <pre>{role.error}</pre>
    </Alert>
  );
}

/** Everything that is wrong, above everything else; nothing when all is well. */
export function Alerts({ about, peers }: { about: VerwalterStatus; peers: readonly VerwalterPeer[] }) {
  const silent = peers.filter(peer => !peer.reachable);
  const failing = peers.filter(peer => peer.errors > 0);
  const names = (some: readonly VerwalterPeer[]) => some.map(peer => peer.hostname).join(', ');
  return (
    <div class="alerts" role="alert">
      {about.leader === null && !about.election_state.is_leader && <NoLeader about={about} />}
      {Object.entries(about.errors).map(([domain, text]) => (
        <Alert key={domain} title={DOMAINS[domain] ?? domain}>
          <pre>{text}</pre>
        </Alert>
      ))}
      {about.role_states
        .filter(role => !role.ok)
        .map(role => (
          <FailedRole key={role.name} role={role} />
        ))}
      {silent.length > 0 && <Alert title={`Not heard from: ${names(silent)}`} />}
      {failing.length > 0 && <Alert title={`Errors on ${names(failing)}: see there`} />}
    </div>
  );
}
