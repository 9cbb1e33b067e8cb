// What `_doctor` says about one thing, and how a person reads it.

export interface Finding {
  readonly check: string;
  /** `problem`: vagga does not work here. `warning`: a part of it does not. */
  readonly state: 'ok' | 'warning' | 'problem';
  readonly message: string;
  /** The one command that helps. */
  readonly fix?: string;
}

export const ok = (check: string, message: string): Finding => ({ check, state: 'ok', message });

export const warning = (check: string, message: string, fix: string): Finding => ({
  check,
  state: 'warning',
  message,
  fix,
});

export const problem = (check: string, message: string, fix: string): Finding => ({
  check,
  state: 'problem',
  message,
  fix,
});

/** One line each, its fix on the next. `paint` colours the word of the state. */
export function findingsText(
  findings: readonly Finding[],
  paint: (state: Finding['state'], text: string) => string,
): string {
  const width = Math.max(...findings.map(({ check }) => check.length));
  const line = ({ check, state, message, fix }: Finding) => {
    const indent = ' '.repeat('problem  '.length + width + 2);
    const help = fix === undefined ? '' : `${indent}fix: ${fix}\n`;
    const text = message.replaceAll('\n', `\n${indent}`);
    return `${paint(state, state.padEnd('problem'.length))}  ${check.padEnd(width)}  ${text}\n${help}`;
  };
  return findings.map(line).join('');
}

export const exitCode = (findings: readonly Finding[]): number =>
  findings.some(({ state }) => state === 'problem') ? 1 : 0;
