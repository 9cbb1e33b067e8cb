// Lines that describe an option: `-o, --output FILE ...  where it goes [default: x]`.
import { DocoptError, isArgument, nameOf, type Option, type OptionTable } from './model.ts';

const HEADING = /^options:\s*/i;
const DEFAULT_VALUE = /\[default:(.*)\]/i;
/** A name, its argument after a blank or `=`, and three dots when it may come again. */
const FLAG = /(--?[^\s=,]+)(?:[ =](<[^>]*>|[^\s.-]\S*?))?(?= \.\.\.|,| |$)( \.\.\.)?,?/y;

interface Described {
  readonly long?: string;
  readonly short?: string;
  readonly takesValue: boolean;
  readonly repeats: boolean;
}

function onlyOne(kind: string, before: string | undefined, name: string): string {
  if (before === undefined) return name;
  throw new DocoptError(
    `only one ${kind} name is allowed in a description, but found '${before}' and '${name}'`,
  );
}

function parseNames(text: string): Described {
  let described: Described = { takesValue: false, repeats: false };
  for (FLAG.lastIndex = 0; FLAG.lastIndex < text.length; ) {
    const at = FLAG.lastIndex;
    const found = FLAG.exec(text);
    if (found === null)
      throw new DocoptError(`unexpected text '${text.slice(at)}' in the description '${text}'`);
    const [, name = '', argument, dots] = found;
    if (argument !== undefined && !isArgument(argument)) {
      throw new DocoptError(`argument '${argument}' is not of the form ARG or <arg>`);
    }
    const kind = name.startsWith('--') ? 'long' : 'short';
    described = {
      ...described,
      [kind]: onlyOne(kind, described[kind], name),
      takesValue: described.takesValue || argument !== undefined,
      repeats: described.repeats || dots !== undefined,
    };
    while (text[FLAG.lastIndex] === ' ') FLAG.lastIndex++;
  }
  return described;
}

/** The text up to the explanation, or undefined: no line of an option. Rows of dashes are decoration. */
function namesPart(line: string): string | undefined {
  const text = line.trim().replace(HEADING, '');
  return /^--?[^\s-]/.test(text) ? (text.split(/ {2,}|\t/, 1)[0] as string).trim() : undefined;
}

function giveDefault(option: Option | undefined, line: string): void {
  const value = DEFAULT_VALUE.exec(line)?.[1]?.trim();
  if (value === undefined) return;
  if (option === undefined) throw new DocoptError(`default value '${value}' before any option`);
  const name = nameOf(option);
  if (!option.takesValue) {
    throw new DocoptError(`default value '${value}' for '${name}', which has no argument`);
  }
  if (option.default !== undefined) {
    throw new DocoptError(`'${name}' has two default values: '${option.default}' and '${value}'`);
  }
  option.default = value;
}

/** `-x` is short; a single dash with more letters is ignored, as by other implementations of this language. */
function addDescribed(options: OptionTable, described: Described): Option | undefined {
  const { long, short } = described;
  if (short !== undefined && Array.from(short).length !== 2) return undefined;
  const taken = options.find(long ?? short ?? '');
  return taken?.described
    ? undefined
    : options.add({ ...described, described: true, unlimited: described.repeats });
}

/** A default may stand on a later line than its option: it belongs to the last one described. */
export function readDescriptions(lines: readonly string[], options: OptionTable): void {
  let last: Option | undefined;
  for (const line of lines) {
    const names = namesPart(line);
    const added = names === undefined ? undefined : addDescribed(options, parseNames(names));
    if (names !== undefined && added === undefined) continue;
    last = added ?? last;
    giveDefault(last, line);
  }
}
