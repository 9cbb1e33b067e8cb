// The body of a query, checked by hand because a rule is nested arrays; every error names the place: `rules.q1.extract`.
import {
  CANTAL_LIMITS,
  type Condition,
  type Extract,
  type QueryRequest,
  type QueryRule,
  type SeriesFunction,
} from '@suite/shared/wire/cantal.ts';

/** A mistake of the sender: the message and what to do instead. */
export class QueryError extends Error {
  readonly hint: string;
  constructor(message: string, hint: string) {
    super(message);
    this.hint = hint;
  }
}

type Json = Readonly<Record<string, unknown>>;

const CONDITION_HINT =
  'conditions: ["Eq"|"NotEq"|"RegexLike", label, text], ["Has", label], ["Not", c], ["And"|"Or", c, c]';
const EXTRACT_HINT =
  'extracts: ["Tip"], ["DiffToAtMost", scans], ["HistoryByNum", scans], ["HistoryByTime", ms]';
const FUNCTION_HINT =
  'functions: ["NonNegativeDerivative"], ["Sum", "Ignore"], ["SumBy", label, "Ignore", true|false]';

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function variant(value: unknown, place: string, hint: string): readonly unknown[] {
  if (!Array.isArray(value) || typeof value[0] !== 'string') {
    throw new QueryError(`${place} is not an array that starts with a name`, hint);
  }
  return value;
}

function arity(value: readonly unknown[], parts: number, place: string, hint: string): void {
  if (value.length !== parts)
    throw new QueryError(`${place}: "${value[0]}" takes ${parts - 1} arguments`, hint);
}

function text(value: unknown, place: string): string {
  if (typeof value !== 'string')
    throw new QueryError(`${place} is not a text`, 'labels and values are texts');
  return value;
}

function count(value: unknown, place: string): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) {
    throw new QueryError(`${place} is not a whole number`, EXTRACT_HINT);
  }
  return value;
}

function condition(value: unknown, place: string, depth: number): Condition {
  if (depth > CANTAL_LIMITS.conditionDepth)
    throw new QueryError(`${place} is nested too deeply`, 'split the rule');
  const parts = variant(value, place, CONDITION_HINT);
  const name = parts[0];
  switch (name) {
    case 'Eq':
    case 'NotEq':
    case 'RegexLike': {
      arity(parts, 3, place, CONDITION_HINT);
      const wanted = text(parts[2], place);
      if (name === 'RegexLike' && wanted.length > CANTAL_LIMITS.patternLength) {
        throw new QueryError(
          `${place}: the pattern is too long`,
          `at most ${CANTAL_LIMITS.patternLength} characters`,
        );
      }
      return [name, text(parts[1], place), wanted];
    }
    case 'Has':
      arity(parts, 2, place, CONDITION_HINT);
      return [name, text(parts[1], place)];
    case 'Not':
      arity(parts, 2, place, CONDITION_HINT);
      return [name, condition(parts[1], place, depth + 1)];
    case 'And':
    case 'Or':
      arity(parts, 3, place, CONDITION_HINT);
      return [name, condition(parts[1], place, depth + 1), condition(parts[2], place, depth + 1)];
    default:
      throw new QueryError(`${place}: unknown condition "${name}"`, CONDITION_HINT);
  }
}

function extract(value: unknown, place: string): Extract {
  const parts = variant(value, place, EXTRACT_HINT);
  const name = parts[0];
  switch (name) {
    case 'Tip':
      arity(parts, 1, place, EXTRACT_HINT);
      return [name];
    case 'DiffToAtMost':
    case 'HistoryByNum':
    case 'HistoryByTime':
      arity(parts, 2, place, EXTRACT_HINT);
      return [name, count(parts[1], place)];
    default:
      throw new QueryError(`${place}: unknown extract "${name}"`, EXTRACT_HINT);
  }
}

function ignore(value: unknown, place: string): 'Ignore' {
  if (value !== 'Ignore')
    throw new QueryError(`${place}: missing points can only be "Ignore"`, FUNCTION_HINT);
  return value;
}

function seriesFunction(value: unknown, place: string): SeriesFunction {
  const parts = variant(value, place, FUNCTION_HINT);
  const name = parts[0];
  switch (name) {
    case 'NonNegativeDerivative':
      arity(parts, 1, place, FUNCTION_HINT);
      return [name];
    case 'Sum':
      arity(parts, 2, place, FUNCTION_HINT);
      return [name, ignore(parts[1], place)];
    case 'SumBy': {
      arity(parts, 4, place, FUNCTION_HINT);
      const total = parts[3];
      if (typeof total !== 'boolean')
        throw new QueryError(`${place}: the total is true or false`, FUNCTION_HINT);
      return [name, text(parts[1], place), ignore(parts[2], place), total];
    }
    case 'Expect':
    case 'StateChart':
      throw new QueryError(`${place}: function "${name}" is not available yet`, FUNCTION_HINT);
    default:
      throw new QueryError(`${place}: unknown function "${name}"`, FUNCTION_HINT);
  }
}

function rule(value: unknown, place: string): QueryRule {
  if (!isObject(value))
    throw new QueryError(`${place} is not an object`, 'a rule has series, extract and functions');
  const { series, functions } = value;
  if (!isObject(series) || (series.source !== 'Fine' && series.source !== 'Tip')) {
    throw new QueryError(
      `${place}.series has no source "Fine" or "Tip"`,
      'series: {"source": …, "condition": …}',
    );
  }
  if (!Array.isArray(functions) || functions.length > CANTAL_LIMITS.functionsPerRule) {
    throw new QueryError(`${place}.functions is not a short list`, FUNCTION_HINT);
  }
  return {
    series: { source: series.source, condition: condition(series.condition, `${place}.series.condition`, 0) },
    extract: extract(value.extract, `${place}.extract`),
    functions: functions.map((item, index) => seriesFunction(item, `${place}.functions[${index}]`)),
  };
}

/** Checks parsed JSON. Throws QueryError; arrays have exact lengths, every part of a rule is mandatory. */
export function parseQuery(value: unknown): QueryRequest {
  if (!isObject(value) || !isObject(value.rules)) {
    throw new QueryError(
      'the body has no "rules"',
      '{"rules": {"name": {"series": …, "extract": …, "functions": […]}}}',
    );
  }
  const entries = Object.entries(value.rules);
  if (entries.length > CANTAL_LIMITS.rulesPerQuery) {
    throw new QueryError('too many rules', `at most ${CANTAL_LIMITS.rulesPerQuery} in one query`);
  }
  return { rules: Object.fromEntries(entries.map(([name, item]) => [name, rule(item, `rules.${name}`)])) };
}
