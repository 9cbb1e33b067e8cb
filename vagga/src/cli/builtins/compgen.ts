// `_compgen WORDS … -- CURRENT`: what may stand where the cursor is, one word per line (§4.5).
import type { Project } from '../../config/model.ts';
import { type Completable, complete } from '../../core/options/complete.ts';
import type { BuiltinEntry } from './registry.ts';

/** Set by the scripts of `_completion`: then our own commands and options are offered too. */
const EVERYTHING = 'VAGGA_COMPLETE';

function completables(builtins: Readonly<Record<string, BuiltinEntry>>): Completable[] {
  const shown = Object.entries(builtins).filter(([, { hidden }]) => !hidden);
  return shown.map(([name, { spec }]) => {
    const [first] = spec?.positionals ?? [];
    return {
      name,
      options: spec?.options ?? [],
      words: first?.completes ?? (first?.name === 'container' ? 'containers' : 'nothing'),
      many: first?.takes.startsWith('list') === true,
    };
  });
}

/** The current word follows the last `--`, unless that is the current word itself. */
function splitWords(words: readonly string[]): { before: readonly string[]; current: string } {
  if (words.at(-2) === '--') return { before: words.slice(0, -2), current: words.at(-1) ?? '' };
  return { before: words.at(-1) === '--' ? words.slice(0, -1) : words, current: '' };
}

/** Parses nothing itself: what follows are the words of another command line. */
export const compgen = (
  builtins: (project: Project) => Readonly<Record<string, BuiltinEntry>>,
): BuiltinEntry => ({
  title: 'Print the words that complete a command line',
  run: ({ cache: { project } }, words) => {
    const { before, current } = splitWords(words);
    const everything = (process.env[EVERYTHING] ?? '') !== '';
    const own = everything ? completables(builtins(project)) : [];
    for (const word of complete({ project, own, everything }, before, current))
      process.stdout.write(`${word}\n`);
    return 0;
  },
});
