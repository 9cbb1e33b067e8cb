// Plain `vagga` and `vagga _list`: the commands of the project as text.
import type { Command, Project } from '../config/model.ts';
import { byCodePoint } from '../config/order.ts';

const NAME_WIDTH = 19;
const DEFAULT_TITLE = 'Available commands';

/** Columns are counted in UTF-8 bytes. */
export function byteLength(text: string): number {
  let bytes = 0;
  for (const character of text) {
    const code = character.codePointAt(0) as number;
    bytes += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
  }
  return bytes;
}

const sortedCommands = (project: Project): [string, Command][] =>
  Object.entries(project.commands).sort(([a], [b]) => byCodePoint(a, b));

function described(name: string, text: string, indent: number, width: number): string {
  const length = byteLength(name);
  const lead = length > width ? `${name}\n${' '.repeat(indent)}` : `${name}${' '.repeat(width - length + 1)}`;
  return `${lead}${text.replaceAll('\n', `\n${' '.repeat(indent)}`)}`;
}

function entry(name: string, command: Command, project: Project): string {
  const indent = 4 + NAME_WIDTH + 1;
  const { description } = command;
  const head = description === undefined ? name : described(name, description, indent, NAME_WIDTH);
  const aliases = command.aliases.filter(alias => project.commands[alias] === undefined);
  const tail = aliases.length === 0 ? '' : `\n${' '.repeat(indent)}(aliases: ${aliases.join(', ')})`;
  return `    ${head}${tail}\n`;
}

/** The listing of plain `vagga`: groups in the order their first command has, hidden commands (`_…`) left out. */
export function listing(project: Project): string {
  const groups = new Map<string, string>();
  for (const [name, command] of sortedCommands(project)) {
    const title = command.group ?? DEFAULT_TITLE;
    const shown = name.startsWith('_') ? '' : entry(name, command, project);
    groups.set(title, (groups.get(title) ?? '') + shown);
  }
  return [...groups].map(([title, text]) => `${title}:\n${text}`).join('\n');
}

interface Row {
  readonly name: string;
  readonly description: string;
  /** Where it comes from, in the words of `-v`. */
  readonly from: string;
  readonly kind: 'command' | 'alias' | 'builtin';
}

function commandRows(project: Project): Row[] {
  return sortedCommands(project).flatMap(([name, command]) => {
    const description = command.description ?? '';
    const file = JSON.stringify(command.source ?? command.file);
    const own: Row = { name, description, from: file, kind: 'command' };
    const aliases = command.aliases.filter(alias => project.commands[alias] === undefined);
    return [
      own,
      ...aliases.map((alias): Row => ({ ...own, name: alias, from: `${file}:${name}`, kind: 'alias' })),
    ];
  });
}

export interface ListOptions {
  readonly hidden: boolean;
  readonly aliases: boolean;
  readonly verbose: boolean;
}

type Titles = readonly (readonly [name: string, title: string])[];

function chosen(project: Project, builtins: Titles, { hidden, aliases }: ListOptions): Row[] {
  const own = builtins.map(
    ([name, description]): Row => ({ name, description, from: '"<builtins>"', kind: 'builtin' }),
  );
  return [...commandRows(project), ...(hidden ? own : [])]
    .filter(({ name }) => hidden || !name.startsWith('_'))
    .filter(({ kind }) => aliases || kind !== 'alias');
}

const fromLine = (from: string) => `${' '.repeat(NAME_WIDTH + 1)}(from ${from})\n`;

/** `vagga _list`: one row per command and alias, `builtins` last when hidden ones are wanted. */
export function listRows(project: Project, builtins: Titles, options: ListOptions): string {
  return chosen(project, builtins, options)
    .map(({ name, description, from }) => {
      const row = `${described(name, description, NAME_WIDTH + 1, NAME_WIDTH)}\n`;
      return options.verbose ? row + fromLine(from) : row;
    })
    .join('');
}

/** `NAME:DESCRIPTION`, as zsh describes words: the first line only. */
export function zshRows(project: Project, builtins: Titles, options: ListOptions): string {
  return chosen(project, builtins, options)
    .map(({ name, description }) => `${name.replaceAll(':', '\\:')}:${description.split('\n', 1)[0]}\n`)
    .join('');
}

/** Names of containers, one per line. */
export function containerRows(project: Project, verbose: boolean): string {
  return Object.entries(project.containers)
    .sort(([a], [b]) => byCodePoint(a, b))
    .map(([name, { source }]) => (verbose ? `${name}\n${fromLine(JSON.stringify(source))}` : `${name}\n`))
    .join('');
}
