// Which series a rule selects.
import type { Condition } from '@suite/shared/wire/cantal.ts';
import { Pattern } from './pattern.ts';
import type { Work } from './work.ts';

/** Text of a label, undefined when the key does not have it. */
export type Labels = (label: string) => string | undefined;
export type Selects = (labels: Labels) => boolean;

/** Different label texts a pattern remembers its verdict of; pids come and go. */
const MEMORY = 10_000;

function compilePattern(label: string, source: string, work: Work): Selects {
  const pattern = new Pattern(source);
  const verdicts = new Map<string, boolean>();
  return labels => {
    const text = labels(label);
    if (text === undefined) return false;
    let verdict = verdicts.get(text);
    if (verdict === undefined) {
      verdict = pattern.test(text, steps => work.spend(steps));
      if (verdicts.size >= MEMORY) verdicts.clear();
      verdicts.set(text, verdict);
    }
    return verdict;
  };
}

/** The condition has been through `parseQuery`. Throws PatternError for a bad pattern; the result QueryError for a slow one. */
export function compileCondition(condition: Condition, work: Work): Selects {
  switch (condition[0]) {
    case 'Eq':
      return labels => labels(condition[1]) === condition[2];
    case 'NotEq':
      return labels => {
        const text = labels(condition[1]);
        return text !== undefined && text !== condition[2];
      };
    case 'Has':
      return labels => labels(condition[1]) !== undefined;
    case 'RegexLike':
      return compilePattern(condition[1], condition[2], work);
    case 'Not': {
      const inner = compileCondition(condition[1], work);
      return labels => !inner(labels);
    }
    case 'And':
    case 'Or': {
      const left = compileCondition(condition[1], work);
      const right = compileCondition(condition[2], work);
      return condition[0] === 'And'
        ? labels => left(labels) && right(labels)
        : labels => left(labels) || right(labels);
    }
  }
}
