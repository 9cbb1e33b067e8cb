// Names of log files in stdio-log-dir, and which of them somebody means.

interface LogName {
  /** `sandbox/process.N`, or `sandbox/cmd.NAME`. */
  readonly instance: string;
  /** 0: the current file; N: the Nth old one. */
  readonly age: number;
}

const FILE = /^([\w-]+)\.((?:cmd\.)?[\w-]+(?:\.\d+)?)\.log(?:\.(\d{1,4}))?$/;

/** Undefined: no log of an instance. */
function parseLogName(file: string): LogName | undefined {
  const found = FILE.exec(file);
  if (found === null) return undefined;
  return { instance: `${found[1]}/${found[2]}`, age: Number(found[3] ?? 0) };
}

/** `wanted`: a sandbox, sandbox/process or sandbox/process.N. */
export function isMeant(instance: string, wanted: string): boolean {
  return instance === wanted || instance.startsWith(`${wanted}/`) || instance.startsWith(`${wanted}.`);
}

/** Instances in order of their names, with the ages of their files, oldest first. */
export function groupLogs(files: readonly string[]): Map<string, number[]> {
  const groups = new Map<string, number[]>();
  for (const { instance, age } of files.flatMap(file => parseLogName(file) ?? []))
    groups.set(instance, [...(groups.get(instance) ?? []), age]);
  const order = new Intl.Collator('en', { numeric: true });
  const sorted = [...groups].sort(([a], [b]) => order.compare(a, b));
  return new Map(sorted.map(([instance, ages]) => [instance, ages.sort((a, b) => b - a)]));
}
