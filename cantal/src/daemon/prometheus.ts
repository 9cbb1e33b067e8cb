// /metrics in the Prometheus text format 0.0.4: the newest scan, `metric` becomes the name, other labels stay.
import type { Scanner } from '../adapters/scanner.ts';
import type { Group } from '../core/history/slots.ts';

function nameOf(metric: string): string {
  return `cantal_${metric.replace(/[^a-zA-Z0-9_]/g, '_').replace(/_+$/, '')}`;
}

/** Letters, digits and _, no digit first; names with __ in front belong to Prometheus. */
function labelName(text: string): string {
  const name = text.replace(/[^a-zA-Z0-9_]/g, '_').replace(/^_+/, '_');
  return /^[a-zA-Z_]/.test(name) ? name : `_${name}`;
}

function labelText(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}

/** The metric's own name, which docs/metrics.md explains. */
function helpText(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
}

function labelPairs(labels: Readonly<Record<string, string>>): string[] {
  const pairs = new Map<string, string>();
  for (const [name, value] of Object.entries(labels)) {
    const safe = labelName(name);
    // Of two names that become one the first stays: a doubled name would make the whole page unreadable.
    if (name !== 'metric' && !pairs.has(safe)) pairs.set(safe, `${safe}="${labelText(value)}"`);
  }
  return [...pairs.values()];
}

function numberText(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return '+Inf';
  return value === Number.NEGATIVE_INFINITY ? '-Inf' : String(value);
}

interface Family {
  readonly type: 'counter' | 'gauge';
  readonly help: string;
  /** Lines by label set in one order: applications may publish the same set twice, Prometheus refuses it. */
  readonly samples: Map<string, string>;
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
    const family = families.get(full) ?? { type, help: metric, samples: new Map() };
    families.set(full, family);
    const pairs = labelPairs({ ...group.labels, ...field.labels });
    const id = pairs.toSorted().join();
    // A gauge "requests_total" beside a counter "requests": one name has one type.
    if (family.type !== type || family.samples.has(id)) return;
    const labels = pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
    family.samples.set(id, `${full}${labels} ${numberText(value)}\n`);
  });
}

function familyText(name: string, { type, help, samples }: Family): string {
  const lines = [...samples.values()].join('');
  return `# HELP ${name} ${helpText(help)}\n# TYPE ${name} ${type}\n${lines}`;
}

export function prometheusText(scanner: Scanner): string {
  const families = new Map<string, Family>();
  for (const group of scanner.history.slots.groups) {
    if (group.closedAt === Number.POSITIVE_INFINITY) addGroup(families, scanner, group);
  }
  return [...families].map(([name, family]) => familyText(name, family)).join('');
}
