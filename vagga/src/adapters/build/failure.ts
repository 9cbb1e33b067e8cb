// What the user sees of a failed build: the end of the output, the step with its line, where the rest is.
import { readFileSync } from 'node:fs';
import { type FailedBuild, stepTitle } from './builder.ts';

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
      : ['', `last ${tail.length} lines of output:`, ...tail.map(line => `  ${line}`), ''];
  const where =
    step === undefined
      ? []
      : [`${step.file}:${step.line}:${step.column}: ${sourceLine(step.file, step.line)}`];
  const what = step === undefined ? message : `step ${stepTitle(step)} failed: ${message}`;
  return [...output, ...where, `Error building container "${name}": ${what}`, `full output: ${logPath}`].join(
    '\n',
  );
}
