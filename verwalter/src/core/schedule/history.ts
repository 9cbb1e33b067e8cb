// Names of the compressed history: one file per hour, day and week, each a hard link to one gzip.

export type Period = 'hourly' | 'daily' | 'weekly';
export const PERIODS: readonly Period[] = ['hourly', 'daily', 'weekly'];

/** `hourly-YYYYMMDDTHH`, `daily-YYYYMMDD`, `weekly-YYYYwWW` (UTC; weeks begin on Monday, days before the first one are week 00). */
export function historyName(period: Period, wallMs: number): string {
  const date = new Date(wallMs);
  const day = date.toISOString().slice(0, 10).replaceAll('-', '');
  switch (period) {
    case 'hourly':
      return `hourly-${day}T${two(date.getUTCHours())}`;
    case 'daily':
      return `daily-${day}`;
    case 'weekly':
      return `weekly-${date.getUTCFullYear()}w${two(weekNumber(date))}`;
  }
}

function two(value: number): string {
  return String(value).padStart(2, '0');
}

/** strftime's %W. */
function weekNumber(date: Date): number {
  const yearDay = Math.floor((date.getTime() - Date.UTC(date.getUTCFullYear(), 0, 1)) / 86_400_000);
  const sinceMonday = (date.getUTCDay() + 6) % 7;
  return Math.floor((yearDay + 7 - sinceMonday) / 7);
}

export interface HistoryPlan {
  /** File to add, or undefined when the newest one is of this period already. */
  readonly add: string | undefined;
  readonly remove: readonly string[];
}

/** What to do with the files of one period; `names` may hold anything that lies in the directory. */
export function planHistory(
  period: Period,
  names: readonly string[],
  wallMs: number,
  keep: number,
): HistoryPlan {
  const own = names.filter(name => name.startsWith(`${period}-`) && name.endsWith('.json.gz')).sort();
  const name = `${historyName(period, wallMs)}.json.gz`;
  const isNew = !own.includes(name);
  const all = isNew ? [...own, name].sort() : own;
  // After a jump of the clock the new name may be the oldest; it is not deleted in the moment of its making.
  const remove = all.slice(0, Math.max(0, all.length - keep)).filter(old => old !== name);
  return { add: isNew ? name : undefined, remove };
}
