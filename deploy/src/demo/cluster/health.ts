// When the cluster is what the slide says it is. Pure.
import { EXPECTED, HOST_NAMES } from '../defaults.ts';
import { type ClusterView, leadersOf, placeOf, running, total } from './view.ts';

/** What nginx answered to a series of requests. */
export interface Sample {
  readonly requests: number;
  readonly failed: number;
  /** Hosts whose workers made the pages. */
  readonly hosts: readonly string[];
}

/** What is still missing, as short sentences; empty = healthy. */
export function missing(view: ClusterView, sample: Sample | undefined): string[] {
  return [...missingLeader(view), ...missingWork(view), ...missingAnswers(sample)];
}

/** The same without the places of nginx and PostgreSQL: they do not move back when a lost host returns. */
export function missingCalm(view: ClusterView): string[] {
  const services = ['nginx', 'postgres', 'redis'].filter(service => !runsAtItsPlace(view, service));
  return [
    ...missingLeader(view),
    ...missingWorkers(view),
    ...services.map(service => `${service} where the schedule has it`),
  ];
}

function runsAtItsPlace(view: ClusterView, service: string): boolean {
  const place = placeOf(view.schedule, service);
  return (
    running(
      view.hosts.find(host => host.name === place),
      service,
    ) === 1
  );
}

/** One leader that everybody follows with one schedule. */
export function missingLeader(view: ClusterView): string[] {
  const silent = view.hosts.filter(host => host.verwalter === undefined).map(host => host.name);
  if (silent.length > 0) return [`verwalter answers on all hosts (silent: ${silent.join(', ')})`];
  const leaders = leadersOf(view.hosts);
  if (leaders.length !== 1) return [`one leader (now: ${leaders.join(', ') || 'none'})`];
  const lost = view.hosts
    .filter(host => host.verwalter?.leader?.hostname !== leaders[0])
    .map(host => host.name);
  if (lost.length > 0) return [`everybody follows ${leaders[0]} (not yet: ${lost.join(', ')})`];
  const schedules = new Set(view.hosts.map(host => host.verwalter?.schedule_id ?? 'none'));
  return schedules.size === 1 && !schedules.has('none') ? [] : ['one schedule on all hosts'];
}

function missingWork(view: ClusterView): string[] {
  const wrong = missingWorkers(view);
  for (const service of ['nginx', 'postgres'] as const) {
    if (placeOf(view.schedule, service) !== EXPECTED[service] || !runsAtItsPlace(view, service)) {
      wrong.push(`${service} on ${EXPECTED[service]}`);
    }
  }
  return runsAtItsPlace(view, 'redis') ? wrong : [...wrong, 'redis'];
}

function missingWorkers(view: ClusterView): string[] {
  const wrong: string[] = [];
  for (const name of HOST_NAMES) {
    const found = running(
      view.hosts.find(host => host.name === name),
      'django',
    );
    if (found !== EXPECTED.django[name])
      wrong.push(`${EXPECTED.django[name]} Django on ${name} (now ${found})`);
  }
  const celery = total(view, 'celery');
  return celery === EXPECTED.celery ? wrong : [...wrong, `${EXPECTED.celery} Celery (now ${celery})`];
}

function missingAnswers(sample: Sample | undefined): string[] {
  if (sample === undefined) return ['nginx answers'];
  if (sample.failed > 0) return [`nginx answers 200 (${sample.failed} of ${sample.requests} failed)`];
  const unseen = HOST_NAMES.filter(name => !sample.hosts.includes(name));
  return unseen.length === 0 ? [] : [`pages from workers on ${unseen.join(', ')}`];
}
