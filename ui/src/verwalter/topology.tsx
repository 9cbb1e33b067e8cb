import type { ScheduleObject } from '@suite/shared/wire/verwalter.ts';
import { Card } from '../common/frame.tsx';
import { hostsOf, instances, placements, type RolePlacement } from './schedule.ts';

/** Up to this many instances are drawn one by one; more become a number. */
const BOXES_MAX = 24;

function Boxes({ placed }: { placed: ReadonlyMap<string, number> | undefined }) {
  const total = instances(placed);
  if (total === 0) return <span class="quiet">·</span>;
  const what = [...(placed ?? [])].map(([name, number]) => `${number} × ${name}`).join(', ');
  return (
    <span class="boxes" title={what}>
      <strong>{total}</strong>
      {total <= BOXES_MAX && Array.from({ length: total }, (_, index) => <i key={index} />)}
    </span>
  );
}

function Row({ placement, hosts }: { placement: RolePlacement; hosts: readonly string[] }) {
  const total = [...placement.hosts.values()].reduce((sum, placed) => sum + instances(placed), 0);
  return (
    <tr>
      <th scope="row" title={placement.info}>
        {placement.title}
      </th>
      {hosts.map(host => (
        <td key={host}>
          <Boxes placed={placement.hosts.get(host)} />
        </td>
      ))}
      <td class="number">{total}</td>
    </tr>
  );
}

/** Roles down, hosts across: the answer to "what runs where". `silent` hosts are in the schedule's past but not heard now. */
export function Topology({
  schedule,
  reachable,
}: {
  schedule: ScheduleObject;
  reachable: ReadonlySet<string>;
}) {
  const hosts = hostsOf(schedule);
  return (
    <Card title="What runs where" note={`schedule ${schedule.hash.slice(0, 8)}`}>
      <div class="scroll">
        <table class="topology">
          <thead>
            <tr>
              <th>role</th>
              {hosts.map(host => (
                <th key={host}>
                  <span class={reachable.has(host) ? 'good' : 'bad'}>
                    <span class="dot" />
                  </span>{' '}
                  {host}
                </th>
              ))}
              <th class="number">all</th>
            </tr>
          </thead>
          <tbody>
            {placements(schedule).map(placement => (
              <Row key={placement.role} placement={placement} hosts={hosts} />
            ))}
          </tbody>
        </table>
      </div>
    </Card>
  );
}
