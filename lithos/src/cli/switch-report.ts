// How the outcome of lithos_switch is told: plan and JSON on the standard output, everything else as messages.
import { colours } from '@suite/shared/cli/colours.ts';
import { EXIT } from '@suite/shared/cli/exit.ts';
import { jsonOut } from '@suite/shared/cli/json-out.ts';
import { printDiagnostics } from '@suite/shared/schema/index.ts';
import type { Texts } from '../adapters/read-yaml.ts';
import { printable } from '../core/instance/printable.ts';
import type { Trouble } from './follow.ts';
import type { Outcome } from './switch.ts';

function troubleText({ name, words, lastExit, log }: Trouble): string {
  const exit = lastExit === null ? '' : `, last ${lastExit}`;
  return [`${name}: ${words}${exit}`, ...log.map(line => `    ${line}`)]
    .map(each => `${printable(each)}\n`)
    .join('');
}

function printJson(outcome: Outcome): void {
  const { result, message, diagnostics = [], troubles = [], plan, diff } = outcome;
  const planned = plan === undefined ? {} : { plan, diff };
  jsonOut({ result, message, diagnostics, troubles, ...planned }, process.stdout);
}

export function report(
  outcome: Outcome,
  texts: Texts,
  { json, verbose }: { readonly json: boolean; readonly verbose: boolean },
): void {
  if (json) {
    printJson(outcome);
    return;
  }
  const { message, code, diagnostics = [], troubles = [], plan = [], diff = [] } = outcome;
  const colour = colours(process.stderr, process.env).enabled;
  process.stderr.write(printDiagnostics(diagnostics, texts, { colour }));
  for (const line of [...diff, ...plan]) process.stdout.write(`${line}\n`);
  for (const trouble of troubles) process.stderr.write(troubleText(trouble));
  if (code !== EXIT.ok || verbose || outcome.isNews) process.stderr.write(`lithos_switch: ${message}\n`);
}
