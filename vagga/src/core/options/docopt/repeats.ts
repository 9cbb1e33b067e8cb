// Which names may get several values: those under `...`, and those that stand twice in one usage.
import type { OptionTable, Pattern } from './model.ts';

export type Positionals = Map<string, { kind: 'argument' | 'word'; repeats: boolean }>;

interface Marking {
  readonly options: OptionTable;
  readonly positionals: Positionals;
}

function mark({ options, positionals }: Marking, atom: Pattern & { name: string }, repeats: boolean): void {
  if (atom.kind === 'option') {
    const option = options.find(atom.name);
    if (option !== undefined && repeats) option.repeats = true;
  } else if (atom.kind === 'argument' || atom.kind === 'word') {
    const known = positionals.get(atom.name);
    if (known === undefined) positionals.set(atom.name, { kind: atom.kind, repeats });
    else if (repeats) known.repeats = true;
  }
}

/** What alternatives have in common cannot come twice, so each starts from what stood before all of them. */
function visit(marking: Marking, pattern: Pattern, under: boolean, seen: Set<string>): void {
  switch (pattern.kind) {
    case 'alternatives': {
      const before = [...seen];
      for (const item of pattern.items) {
        const own = new Set(before);
        visit(marking, item, under, own);
        for (const name of own) seen.add(name);
      }
      return;
    }
    case 'sequence':
    case 'optional':
      for (const item of pattern.items) visit(marking, item, under, seen);
      return;
    case 'repeat':
      visit(marking, pattern.item, true, seen);
      return;
    case 'options':
      return;
    default: {
      const option = marking.options.find(pattern.name);
      const name = option === undefined ? pattern.name : (option.long ?? option.short ?? '');
      mark(marking, pattern, under || seen.has(name));
      seen.add(name);
    }
  }
}

export function findRepeats(usages: readonly Pattern[], options: OptionTable): Positionals {
  const positionals: Positionals = new Map();
  for (const usage of usages) visit({ options, positionals }, usage, false, new Set());
  return positionals;
}
