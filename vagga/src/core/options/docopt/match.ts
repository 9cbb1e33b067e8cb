// Does a command line fit a usage, and which word is which argument?
//
// A path through the pattern takes the positional words in order. Options have no order, so a path only counts how
// many it needs and how many it would also allow; at the end what was given must lie between the two. Of two paths
// that stand at the same place with the same counts only the preferred one is followed, so the work stays small:
// present before absent, left alternative before right, more repetitions before fewer.
import { type Grammar, nameOf, type Pattern } from './model.ts';
import type { Words } from './words.ts';

export type Bindings = readonly (readonly [name: string, word: string])[];

interface State {
  readonly at: number;
  readonly needed: ReadonlyMap<string, number>;
  readonly allowed: ReadonlyMap<string, number>;
  readonly bindings: Bindings;
}

const START: State = { at: 0, needed: new Map(), allowed: new Map(), bindings: [] };

function key({ at, needed, allowed }: State): string {
  const text = (counts: ReadonlyMap<string, number>) =>
    [...counts]
      .map(([name, count]) => `${name}=${count}`)
      .sort()
      .join(' ');
  return `${at}|${text(needed)}|${text(allowed)}`;
}

function preferred(states: readonly State[]): State[] {
  const kept = new Map<string, State>();
  for (const state of states) {
    const place = key(state);
    if (!kept.has(place)) kept.set(place, state);
  }
  return [...kept.values()];
}

class Matcher {
  readonly #grammar: Grammar;
  readonly #words: Words;

  constructor(grammar: Grammar, words: Words) {
    this.#grammar = grammar;
    this.#words = words;
  }

  first(usage: Pattern): Bindings | undefined {
    return this.#follow(usage, [START], false).find(state => this.#isWhole(state))?.bindings;
  }

  #isWhole({ at, needed, allowed }: State): boolean {
    if (at !== this.#words.positionals.length) return false;
    return [...this.#words.given].every(([name, values]) => {
      const least = needed.get(name) ?? 0;
      const most = this.#repeats(name) ? least + (allowed.get(name) ?? 0) : 1;
      const known = least + (allowed.get(name) ?? 0) > 0;
      return known && least <= values.length && values.length <= most;
    });
  }

  #repeats(name: string): boolean {
    return this.#grammar.options.find(name)?.repeats === true;
  }

  #count(name: string): number {
    return this.#words.given.get(name)?.length ?? 0;
  }

  /** `again`: under dots, where what is allowed once is allowed any number of times. */
  #follow(pattern: Pattern, states: readonly State[], again: boolean): State[] {
    switch (pattern.kind) {
      case 'alternatives':
        return preferred(
          states.flatMap(state => pattern.items.flatMap(item => this.#follow(item, [state], again))),
        );
      case 'sequence':
        return pattern.items.reduce(
          (current, item) => preferred(this.#follow(item, current, again)),
          [...states],
        );
      case 'optional':
        return pattern.items.reduce(
          (current, item) => preferred(current.flatMap(state => this.#maybe(item, state, again))),
          [...states],
        );
      case 'repeat':
        return preferred(states.flatMap(state => this.#many(pattern.item, state)));
      case 'options':
        return states.map(state => this.#allowDescribed(state, again));
      case 'option':
        return states.flatMap(state => this.#need(state, pattern.name));
      default:
        return states.flatMap(state => this.#take(state, pattern));
    }
  }

  /** An optional option is no decision: it is allowed, and the end shows whether it was given. */
  #maybe(item: Pattern, state: State, again: boolean): State[] {
    if (item.kind === 'option') return [this.#allow(state, item.name, again)];
    if (item.kind === 'repeat' && item.item.kind === 'option') {
      return [this.#allow(state, item.item.name, true)];
    }
    return [...this.#follow(item, [state], again), state];
  }

  #allow(state: State, written: string, again: boolean): State {
    const option = this.#grammar.options.find(written);
    if (option === undefined) return state;
    const name = nameOf(option);
    const given = this.#count(name);
    if (given === 0) return state;
    const before = state.allowed.get(name) ?? 0;
    const allowed = again || option.unlimited ? given : Math.min(before + 1, given);
    return { ...state, allowed: new Map(state.allowed).set(name, allowed) };
  }

  #allowDescribed(state: State, again: boolean): State {
    const described = this.#grammar.options.all().filter(option => option.described);
    return described.reduce((current, option) => this.#allow(current, nameOf(option), again), state);
  }

  #need(state: State, written: string): State[] {
    const option = this.#grammar.options.find(written);
    const name = option === undefined ? written : nameOf(option);
    const needed = (state.needed.get(name) ?? 0) + 1;
    if (needed > this.#count(name)) return [];
    const after = { ...state, needed: new Map(state.needed).set(name, needed) };
    return [option?.unlimited ? this.#allow(after, name, true) : after];
  }

  #take(state: State, atom: Pattern & { readonly name: string }): State[] {
    // The separator is no word any more; a usage that asks for it only wants it to have been there.
    if (atom.name === '--') return this.#words.separated ? [state] : [];
    const word = this.#words.positionals[state.at];
    if (word === undefined || (atom.kind === 'word' && word !== atom.name)) return [];
    return [{ ...state, at: state.at + 1, bindings: [...state.bindings, [atom.name, word]] }];
  }

  /** Once or more; a round that takes nothing is the last. */
  #many(item: Pattern, state: State): State[] {
    const rounds = [preferred(this.#follow(item, [state], true))];
    for (let last = rounds[0] as State[]; last.length > 0; ) {
      last = preferred(
        last.flatMap(before =>
          this.#follow(item, [before], true).filter(after => key(after) !== key(before)),
        ),
      );
      rounds.push(last);
    }
    return rounds.reverse().flat();
  }
}

/** The first usage that fits decides. */
export function matchUsages(grammar: Grammar, words: Words): Bindings | undefined {
  const matcher = new Matcher(grammar, words);
  for (const usage of grammar.usages) {
    const bindings = matcher.first(usage);
    if (bindings !== undefined) return bindings;
  }
  return undefined;
}
