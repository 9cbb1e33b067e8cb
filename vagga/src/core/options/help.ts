// Usage and help in the layout of the format (§4.1).
import { type CommandLineSpec, HELP_OPTION, type OptionSpec, type PositionalSpec } from './spec.ts';

const WIDTH = 79;
const HELP_COLUMN = 24;

function wordOf({ name, takes }: PositionalSpec): string {
  const word = name.toUpperCase();
  switch (takes) {
    case 'optional':
      return `[${word}]`;
    case 'required':
      return word;
    case 'list':
      return `[${word} ...]`;
    case 'list!':
      return `${word} [...]`;
  }
}

/** `Usage:` and one line, with its end. */
export function usageText(spec: CommandLineSpec): string {
  const options = spec.options.some(option => !option.hidden) ? ['[OPTIONS]'] : [];
  return `Usage:\n  ${[spec.name, ...options, ...spec.positionals.map(wordOf)].join(' ')}\n`;
}

function wrapped(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(/\s+/).filter(word => word !== '')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return line === '' ? lines : [...lines, line];
}

function entry(left: string, help: string): string {
  const lines = wrapped(help, WIDTH - HELP_COLUMN);
  const indent = ' '.repeat(HELP_COLUMN);
  const [first = '', ...rest] = lines;
  const head = left.length >= HELP_COLUMN ? `${left}\n${indent}${first}` : left.padEnd(HELP_COLUMN) + first;
  return [head.trimEnd(), ...rest.map(line => indent + line)].join('\n');
}

function metavar({ names, metavar }: OptionSpec): string {
  const longest = names.reduce((best, name) => (name.length > best.length ? name : best), '');
  return metavar ?? longest.replace(/^-+/, '').replaceAll('-', '_').toUpperCase();
}

function optionEntry(option: OptionSpec): string {
  const names = option.names.join(',');
  return entry(`  ${names}${option.takes === 'nothing' ? '' : ` ${metavar(option)}`}`, option.help);
}

export function helpText(spec: CommandLineSpec): string {
  const description = spec.description === undefined ? [] : wrapped(spec.description, WIDTH);
  const explained = spec.positionals.filter(({ help }) => help !== undefined);
  const positionals = explained.map(({ name, help = '' }) => entry(`  ${name}`, help));
  const options = [HELP_OPTION, ...spec.options].filter(({ hidden }) => !hidden).map(optionEntry);
  const blocks = [
    ...(description.length > 0 ? [description] : []),
    ...(positionals.length > 0 ? [['Positional arguments:', ...positionals]] : []),
    ['Optional arguments:', ...options],
    ...(spec.epilogue === undefined ? [] : [[spec.epilogue]]),
  ];
  return `${usageText(spec)}${blocks.map(lines => `\n${lines.join('\n')}\n`).join('')}`;
}
