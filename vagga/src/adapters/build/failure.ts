// What the user sees of a failed build: the end of the output, the step with its line, where the rest is.
import { readFileSync } from 'node:fs';
import type { Step } from '../../config/model.ts';
import { stepTitle } from '../../core/step-title.ts';
import type { StepProblem } from '../../core/steps/index.ts';

export interface FailedBuild {
  readonly kind: 'failed';
  readonly message: string;
  /** The step that failed; undefined for what comes before and after the steps. */
  readonly step?: Step;
  readonly tail: readonly string[];
  readonly logPath: string;
}

function sourceLine(file: string, line: number): string {
  try {
    return readFileSync(file, 'utf8').split('\n')[line - 1]?.trim() ?? '';
  } catch {
    return '';
  }
}

export function failureText(name: string, failed: FailedBuild): string {
  const { step, tail, message, logPath } = failed;
  const output =
    tail.length === 0
      ? []
      : [
          '',
          `last ${tail.length === 1 ? 'line' : `${tail.length} lines`} of output:`,
          ...tail.map(line => `  ${line}`),
          '',
        ];
  const where =
    step === undefined
      ? []
      : [`${step.file}:${step.line}:${step.column}: ${sourceLine(step.file, step.line)}`];
  const what = step === undefined ? message : `step ${stepTitle(step)} failed: ${message}`;
  return [
    ...output,
    ...where,
    `Error building container "${name}": ${what}`,
    `full output: ${logPath}`,
    `look around in it: vagga _build_shell --failed ${name}`,
  ].join('\n');
}

/** What is wrong with steps before any of them runs. */
export function problemsText(problems: readonly StepProblem[]): string {
  return problems
    .map(({ step, message }) => `${step.file}:${step.line}:${step.column}: error: ${message}`)
    .join('\n');
}
