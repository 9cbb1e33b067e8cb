// `_df`: what takes space.
import { type Usage, usageOf } from '../../adapters/storage/usage.ts';
import { has } from '../../core/options/parse.ts';
import { flag } from '../../core/options/spec.ts';
import { sizeText } from '../../core/size-text.ts';
import { entry } from './registry.ts';

const DAY_MS = 24 * 3600 * 1000;

function lastUse({ lastUseMs }: Usage, nowMs: number): string {
  if (lastUseMs === undefined) return '';
  const days = Math.floor((nowMs - lastUseMs) / DAY_MS);
  return days <= 0 ? 'today' : days === 1 ? 'yesterday' : `${days} days ago`;
}

function table(usages: readonly Usage[], nowMs: number): string {
  const rows = usages.map(one => [
    one.kind,
    one.current === true ? `${one.name} *` : one.name,
    sizeText(one.sizeBytes),
    sizeText(one.ownBytes),
    lastUse(one, nowMs),
  ]);
  const all = [['WHAT', 'NAME', 'SIZE', 'OWN', 'LAST USED'], ...rows];
  const widths = [0, 1, 2, 3, 4].map(column => Math.max(...all.map(row => (row[column] ?? '').length)));
  const line = (row: readonly string[]) =>
    row
      .map((cell, column) =>
        column === 2 || column === 3 ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0),
      )
      .join('  ')
      .trimEnd();
  return `${all.map(line).join('\n')}\n`;
}

export const df = entry(
  {
    name: 'vagga _df',
    description: 'Show what takes space',
    options: [flag('json', ['--json'], 'As JSON, sizes in bytes')],
    positionals: [],
    epilogue: `OWN is what removing it would free: files that nothing else shares. A star marks the current version.
Removing: vagga _clean --help`,
  },
  ({ layout }, { given }) => {
    const usages = usageOf(layout);
    process.stdout.write(
      has(given, 'json') ? `${JSON.stringify(usages, null, 2)}\n` : table(usages, Date.now()),
    );
    return 0;
  },
);
