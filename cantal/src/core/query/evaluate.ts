import type { QueryReply, QueryRequest, QueryRule } from '@suite/shared/wire/cantal.ts';
import { type CborValue, encodeCbor } from '@suite/shared/wire/cbor.ts';
import type { History } from '../history/history.ts';
import type { Tips } from '../history/tips.ts';
import { type Answer, answerCbor, answerJson } from './dataset.ts';
import { extract } from './extract.ts';
import { applyFunction } from './functions.ts';
import { QueryError } from './parse.ts';
import { PatternError } from './pattern-parse.ts';

export interface Store {
  readonly history: History;
  readonly tips: Tips;
}

function evaluateRule(rule: QueryRule, name: string, store: Store): Answer {
  try {
    return rule.functions.reduce(applyFunction, extract(rule, store.history, store.tips));
  } catch (error) {
    if (!(error instanceof PatternError)) throw error;
    throw new QueryError(
      `rules.${name}: ${error.message}`,
      'patterns have no look-around and no back-references',
    );
  }
}

function evaluateAll<T>(
  request: QueryRequest,
  store: Store,
  convert: (answer: Answer) => T,
): Record<string, T> {
  const entries = Object.entries(request.rules);
  return Object.fromEntries(entries.map(([name, rule]) => [name, convert(evaluateRule(rule, name, store))]));
}

/** Throws QueryError. */
export function evaluateJson(request: QueryRequest, store: Store): QueryReply {
  return { values: evaluateAll(request, store, answerJson) };
}

/** `{"values": {name: dataset}}` as CBOR bytes. Throws QueryError. */
export function evaluateCbor(request: QueryRequest, store: Store): Uint8Array {
  const values: { [name: string]: CborValue } = evaluateAll(request, store, answerCbor);
  return encodeCbor({ values });
}
