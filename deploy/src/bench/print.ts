import type { Report } from './harness.ts';
import type { SurveyReport } from './survey.ts';

const NAME_WIDTH = 34;

function ms(value: number): string {
  return value.toFixed(value < 10 ? 2 : 1).padStart(9);
}

function head({ bench, summary, machine }: Pick<Report, 'bench' | 'summary' | 'machine'>): void {
  console.log(`\n${bench}: ${summary}   (${machine.cpus} × ${machine.model}, Node ${machine.node})`);
}

function foot(notes: readonly string[]): void {
  for (const note of notes) console.log(`  ${note}`);
}

export function printReport(report: Report): void {
  head(report);
  console.log(`${''.padEnd(NAME_WIDTH)}   runs   min ms    median       p90       max   × raw`);
  for (const row of report.figures) {
    const figures = [row.minMs, row.medianMs, row.p90Ms, row.maxMs].map(ms).join(' ');
    const ratio = row.ratioToRaw === undefined ? '' : row.ratioToRaw.toFixed(2).padStart(7);
    console.log(`${row.name.padEnd(NAME_WIDTH)} ${String(row.runs).padStart(6)} ${figures} ${ratio}`);
  }
  foot(report.notes);
}

export function printSurvey(report: SurveyReport): void {
  head(report);
  const titles = report.columns.map(({ title, unit }) => `${title} ${unit}`);
  const widths = titles.map(title => title.length + 2);
  const line = (name: string, cells: readonly string[]) =>
    console.log(name.padEnd(NAME_WIDTH) + cells.map((cell, at) => cell.padStart(widths[at] ?? 0)).join(''));
  line('', titles);
  for (const { name, values } of report.rows)
    line(
      name,
      values.map((value, at) => value?.toFixed(report.columns[at]?.unit === '%' ? 3 : 2) ?? '–'),
    );
  line(
    'bar for ours',
    report.columns.map(({ bar }) => (bar === undefined ? '' : `≤ ${bar}`)),
  );
  foot(report.notes);
}
