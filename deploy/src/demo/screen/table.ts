// The live table, one line per host. Pure.
import { type ClusterView, type HostView, leadersOf, placeOf, running } from '../cluster/view.ts';

const SERVICES = ['nginx', 'postgres', 'redis'] as const;

export interface Traffic {
  readonly perMinute: number;
  readonly failed: number;
}

export function table(view: ClusterView, traffic: Traffic): string[] {
  const leaders = leadersOf(view.hosts);
  const heading = ['host', 'state', 'leader', 'django', 'celery', 'services', 'schedule'];
  const rows = view.hosts.map(host => row(host, leaders));
  const widths = heading.map((title, column) =>
    Math.max(title.length, ...rows.map(cells => (cells[column] ?? '').length)),
  );
  const lines = [heading, ...rows].map(cells =>
    cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  '),
  );
  const nginx = placeOf(view.schedule, 'nginx') ?? 'nobody';
  const failed = traffic.failed > 0 ? `, ${traffic.failed} failed` : '';
  return [...lines, `through nginx on ${nginx}: ${traffic.perMinute} requests per minute from here${failed}`];
}

function row(host: HostView, leaders: readonly string[]): string[] {
  if (!host.up) return [host.name, 'killed', '', '', '', '', ''];
  const services = SERVICES.filter(service => running(host, service) > 0).join(' ');
  const status = host.verwalter;
  const state =
    status === undefined ? 'silent' : status.num_errors > 0 ? `${status.num_errors} errors` : 'up';
  const leader = leaders.includes(host.name) ? 'leads' : (status?.leader?.hostname ?? '');
  const counts = [running(host, 'django'), running(host, 'celery')].map(String);
  return [host.name, state, leader, ...counts, services, status?.schedule_id?.slice(0, 8) ?? ''];
}
