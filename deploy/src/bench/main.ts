import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cantalScan } from './cantal-scan.ts';
import { type Bench, type Report, runBench } from './harness.ts';
import { lithosMemory } from './lithos-memory.ts';
import { lithosReload } from './lithos-reload.ts';
import { lithosRestart } from './lithos-restart.ts';
import { lithosStart100 } from './lithos-start-100.ts';
import { enterNamespace } from './namespace.ts';
import { printReport, printSurvey } from './print.ts';
import { schedule10k } from './schedule-10k.ts';
import { runSurvey, type Survey, type SurveyReport } from './survey.ts';
import { vaggaBuild } from './vagga-build.ts';
import { vaggaLayers } from './vagga-layers.ts';
import { vaggaList } from './vagga-list.ts';
import { vaggaNoop } from './vagga-noop.ts';
import { vaggaRebuild } from './vagga-rebuild.ts';
import { vaggaStart } from './vagga-start.ts';

// `npm run bench -- NAME… [--json] [--runs N]`

const BENCHES: readonly (Bench | Survey)[] = [
  vaggaStart,
  vaggaBuild,
  vaggaNoop,
  vaggaRebuild,
  vaggaLayers,
  vaggaList,
  lithosRestart,
  lithosReload,
  lithosStart100,
  lithosMemory,
  cantalScan,
  schedule10k,
];

function usage(wrong?: string): never {
  if (wrong !== undefined) process.stderr.write(`${wrong}\n\n`);
  const lines = BENCHES.map(bench => `  ${bench.name.padEnd(16)} ${bench.summary}`);
  process.stderr.write(`usage: npm run bench -- NAME… [--json] [--runs N]\n\n${lines.join('\n')}\n`);
  process.exit(2);
}

function options(argv: readonly string[]) {
  const at = argv.indexOf('--runs');
  const rounds = at >= 0 ? Number(argv[at + 1]) : undefined;
  if (rounds !== undefined && !(Number.isInteger(rounds) && rounds > 0))
    usage('--runs takes a whole number above 0');
  const unknown = argv.find(word => word.startsWith('-') && !['--runs', '--json'].includes(word));
  if (unknown !== undefined) usage(`unknown option ${unknown}`);
  const names = argv.filter((word, index) => !word.startsWith('--') && (at < 0 || index !== at + 1));
  return { names, rounds, json: argv.includes('--json') };
}

function save(reports: readonly (Report | SurveyReport)[]): void {
  const directory = join(process.env.SUITE_ROOT ?? process.cwd(), 'deploy/dist/bench');
  mkdirSync(directory, { recursive: true });
  for (const report of reports)
    writeFileSync(join(directory, `${report.bench}.json`), `${JSON.stringify(report, null, 2)}\n`);
}

async function runOne(
  bench: Bench | Survey,
  { rounds, json }: { rounds: number | undefined; json: boolean },
  signal: AbortSignal,
): Promise<Report | SurveyReport> {
  if ('look' in bench) {
    const report = await runSurvey(bench, signal);
    if (!json) printSurvey(report);
    return report;
  }
  const report = await runBench(bench, rounds, signal);
  if (!json) printReport(report);
  return report;
}

async function main(): Promise<void> {
  const { names, rounds, json } = options(process.argv.slice(2));
  const unknown = names.filter(name => !BENCHES.some(bench => bench.name === name));
  if (unknown.length > 0) usage(`no benchmark is called ${unknown.join(' or ')}`);
  if (names.length === 0) usage('which benchmark?');
  await enterNamespace();
  const stopping = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.on(signal, () => stopping.abort(new Error('stopped')));
  const reports: (Report | SurveyReport)[] = [];
  for (const bench of BENCHES.filter(({ name }) => names.includes(name))) {
    reports.push(await runOne(bench, { rounds, json }, stopping.signal));
  }
  save(reports);
  if (json) console.log(JSON.stringify({ schemaVersion: 1, reports }, null, 2));
}

main().then(
  () => process.exit(0),
  error => {
    console.error(error instanceof Error ? error.message : error);
    process.exit(1);
  },
);
