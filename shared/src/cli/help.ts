import type { CommandSpec, OptionSpec, PositionalSpec } from './command.ts';

const DEFAULT_WIDTH = 80;
/** Wider left columns push the summaries to their own lines. */
const MAX_LEFT = 28;

/** Without its letter where the command uses that for something else. */
function helpOption(own: readonly OptionSpec[]): OptionSpec {
  const help = { long: 'help', summary: 'Show this help' };
  return own.some(({ short }) => short === 'h') ? help : { ...help, short: 'h' };
}

/**
 * Help of one command: summary, examples, usage, commands, arguments, options, footer. Ends with a newline.
 * @param width columns of the terminal
 * @param parents the commands above, outermost first
 */
export function renderHelp(
  spec: CommandSpec,
  width = DEFAULT_WIDTH,
  parents: readonly CommandSpec[] = [],
): string {
  const columns = Math.max(40, width);
  const positionals = (spec.positionals ?? []).filter(({ summary }) => summary !== undefined);
  const inherited = parents.flatMap(({ options }) => options);
  return [
    `${wrap(spec.summary, columns, 0)}\n`,
    section('Examples', exampleLines(spec)),
    `${renderUsage([...parents, spec])}\n`,
    section(
      'Commands',
      rows(
        visible(spec.commands ?? []).map(({ name, summary }) => [name, summary]),
        columns,
      ),
    ),
    section(
      'Arguments',
      rows(
        positionals.map(({ name, summary = '' }) => [name, summary]),
        columns,
      ),
    ),
    section('Options', rows([...visible(spec.options), helpOption(spec.options)].map(optionRow), columns)),
    section('Common options', rows(visible(inherited).map(optionRow), columns)),
    spec.footer === undefined ? '' : `${spec.footer.trimEnd()}\n`,
  ]
    .filter(part => part !== '')
    .join('\n');
}

/** `Usage: lithos_tree [OPTIONS] NAME`. No newline at the end. */
export function renderUsage(path: readonly CommandSpec[]): string {
  const spec = path.at(-1);
  const name = path.map(command => command.name).join(' ');
  if (spec?.usage !== undefined) return `Usage: ${spec.usage}`;
  const words = [name, '[OPTIONS]', ...(spec?.positionals ?? []).map(positionalWord)];
  if (spec?.commands !== undefined && spec.positionals === undefined) words.push('COMMAND …');
  return `Usage: ${words.join(' ')}`;
}

/** `-C`, `--config`: every way to write an option. */
export function optionNames(option: OptionSpec): string[] {
  const longs = [option.long, ...(option.aliases ?? [])].map(name => `--${name}`);
  return option.short === undefined ? longs : [`-${option.short}`, ...longs];
}

function positionalWord({ name, optional, repeat }: PositionalSpec): string {
  const word = repeat ? `${name}…` : name;
  return optional ? `[${word}]` : word;
}

function visible<T extends { readonly hidden?: boolean }>(items: readonly T[]): T[] {
  return items.filter(({ hidden }) => !hidden);
}

function exampleLines(spec: CommandSpec): string {
  const examples = spec.examples ?? [];
  const width = Math.max(0, ...examples.map(([command]) => command.length));
  return examples.map(([command, meaning]) => `  ${command.padEnd(width)}   # ${meaning}\n`).join('');
}

function section(title: string, body: string): string {
  return body === '' ? '' : `${title}:\n${body}`;
}

function optionRow(option: OptionSpec): [string, string] {
  const indent = option.short === undefined ? '    ' : '';
  const value = option.argument === undefined ? '' : ` ${option.argument}`;
  const notes = [
    option.choices && `one of ${option.choices.join(', ')}`,
    option.repeat && 'may be repeated',
    option.env && `environment: ${option.env}`,
  ].filter(note => typeof note === 'string');
  const tail = notes.length === 0 ? '' : ` (${notes.join('; ')})`;
  return [`${indent}${optionNames(option).join(', ')}${value}`, option.summary + tail];
}

function rows(pairs: readonly (readonly [string, string])[], columns: number): string {
  const widest = Math.max(0, ...pairs.map(([left]) => left.length).filter(length => length <= MAX_LEFT));
  const indent = widest + 4;
  return pairs
    .map(([left, right]) => {
      const text = wrap(right, columns, indent);
      return left.length > MAX_LEFT
        ? `  ${left}\n${' '.repeat(indent)}${text}\n`
        : `  ${left.padEnd(widest)}  ${text}\n`;
    })
    .join('');
}

/** Breaks at spaces so that lines end before `columns`; all but the first line start with `indent` blanks. */
function wrap(text: string, columns: number, indent: number): string {
  const room = Math.max(20, columns - indent - 1);
  const lines: string[] = [];
  for (const word of text.split(/\s+/)) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= room)
      lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines.join(`\n${' '.repeat(indent)}`);
}
