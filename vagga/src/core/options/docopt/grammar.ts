// An `options` text as a grammar: the usage section, the described options, one pattern per usage line.
import { readDescriptions } from './descriptions.ts';
import { DocoptError, type Grammar, OptionTable } from './model.ts';
import { findRepeats } from './repeats.ts';
import { parseUsage } from './usage.ts';

const USAGE = /usage:\s*(\S+)/i;
const BLANK_LINE = /\n[^\S\n]*\n/;

interface Section {
  readonly program: string;
  readonly patterns: string;
  readonly start: number;
  readonly end: number;
}

/** From `usage:` in any case to a blank line or the end. */
function usageSection(text: string): Section {
  const found = USAGE.exec(text);
  if (found === null) throw new DocoptError('there is no line that starts with "usage:"');
  const from = found.index + found[0].length;
  const blank = text.slice(from).search(BLANK_LINE);
  const end = blank < 0 ? text.length : from + blank;
  return { program: found[1] as string, patterns: text.slice(from, end), start: found.index, end };
}

function usageLines(program: string, patterns: string): string[] {
  const [first = '', ...others] = patterns.split('\n');
  const rest = others.map(line => line.trim()).filter(line => line !== '');
  return [
    first.trim(),
    ...rest.map(line =>
      line === program || line.startsWith(`${program} `) ? line.slice(program.length).trim() : line,
    ),
  ];
}

/** Throws DocoptError. Descriptions are read first: they say whether `--flag ARG` in the usage is one thing or two. */
export function parseGrammar(text: string): Grammar {
  const { program, patterns, start, end } = usageSection(text);
  const options = new OptionTable();
  readDescriptions([...text.slice(0, start).split('\n'), ...text.slice(end).split('\n')], options);
  const usages = usageLines(program, patterns).map(line => parseUsage(line, options));
  const positionals = findRepeats(usages, options);
  return { usageText: text.slice(start, end).trim(), text: text.trim(), usages, options, positionals };
}
