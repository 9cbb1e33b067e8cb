// /metrics in the Prometheus text format 0.0.4: the newest scan, `metric` becomes the name, other labels stay.
import type { Scanner } from '../adapters/scanner.ts';
import type { Group } from '../core/history/slots.ts';

function nameOf(metric: string): string {
  return `cantal_${metric.replace(/[^a-zA-Z0-9_]/g, '_').replace(/_+$/, '')}`;
}

function labelText(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}

function labelsText(labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels)
    .filter(([name]) => name !== 'metric')
    .map(([name, value]) => `${name.replace(/[^a-zA-Z0-9_]/g, '_')}="${labelText(value)}"`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

function numberText(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return '+Inf';
  return value === Number.NEGATIVE_INFINITY ? '-Inf' : String(value);
}

interface Family {
  readonly type: 'counter' | 'gauge';
  readonly lines: string[];
}

function addGroup(families: Map<string, Family>, scanner: Scanner, group: Group): void {
  group.fields.forEach((field, index) => {
    const value = scanner.history.get(group.first + index);
    const metric = field.labels.metric;
    if (Number.isNaN(value) || metric === undefined) return;
    const type = field.kind === 'Counter' ? 'counter' : 'gauge';
    // Metrics of applications keep their group in the name: "requests" of two programs are two things.
    const owner = field.labels.group ?? field.labels.state;
    const name = nameOf(owner === undefined ? metric : `app_${metric}`);
    const full = type === 'counter' ? `${name}_total` : name;
    const family = families.get(full) ?? { type, lines: [] };
    if (family.lines.length === 0) families.set(full, family);
    family.lines.push(`${full}${labelsText({ ...group.labels, ...field.labels })} ${numberText(value)}`);
  });
}

export function prometheusText(scanner: Scanner): string {
  const families = new Map<string, Family>();
  for (const group of scanner.history.slots.groups) {
    if (group.closedAt === Number.POSITIVE_INFINITY) addGroup(families, scanner, group);
  }
  const parts = [...families].map(
    ([name, { type, lines }]) => `# TYPE ${name} ${type}\n${lines.join('\n')}\n`,
  );
  return parts.join('');
}
