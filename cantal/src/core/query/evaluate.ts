import { CANTAL_LIMITS, type QueryRequest, type QueryRule } from '@suite/shared/wire/cantal.ts';
import { encodeCbor, encodeCborHead } from '@suite/shared/wire/cbor.ts';
import type { History } from '../history/history.ts';
import type { Tips } from '../history/tips.ts';
import { type Answer, answerCbor, answerJson, answerPoints } from './dataset.ts';
import { extract } from './extract.ts';
import { applyFunction } from './functions.ts';
import { QueryError } from './parse.ts';
import { PatternError } from './pattern-parse.ts';
import { type Sliced, Work } from './work.ts';

export interface Store {
  readonly history: History;
  readonly tips: Tips;
}

function* evaluateRule(rule: QueryRule, name: string, store: Store, work: Work): Sliced<Answer> {
  try {
    let answer = yield* extract(rule, store.history, store.tips, work);
    for (const step of rule.functions) {
      yield;
      answer = applyFunction(answer, step);
    }
    return answer;
  } catch (error) {
    if (!(error instanceof PatternError)) throw error;
    throw new QueryError(
      `rules.${name}: ${error.message}`,
      'patterns have no look-around and no back-references',
    );
  }
}

/** Each rule's answer with its name; throws QueryError when all answers together become too long. */
function* evaluateAll(request: QueryRequest, store: Store): Generator<undefined | readonly [string, Answer]> {
  const work = new Work();
  let points = 0;
  for (const [name, rule] of Object.entries(request.rules)) {
    const answer = yield* evaluateRule(rule, name, store, work);
    points += answerPoints(answer);
    if (points > CANTAL_LIMITS.pointsPerAnswer) {
      throw new QueryError(
        `the answers have more than ${CANTAL_LIMITS.pointsPerAnswer} points`,
        'ask fewer rules at once, sum them, or shorten the time',
      );
    }
    yield [name, answer];
  }
}

/** The text of `{name: dataset}`. Throws QueryError. */
export function* evaluateJson(request: QueryRequest, store: Store): Sliced<string> {
  const pieces: string[] = [];
  for (const found of evaluateAll(request, store)) {
    yield;
    if (found === undefined) continue;
    pieces.push(`${pieces.length === 0 ? '' : ','}${JSON.stringify(found[0])}:`);
    for (const piece of answerJson(found[1])) {
      pieces.push(piece);
      yield;
    }
  }
  return `{${pieces.join('')}}`;
}

/** The pieces, to be joined, of `{"values": {name: dataset}}` as CBOR. Throws QueryError. */
export function* evaluateCbor(request: QueryRequest, store: Store): Sliced<Uint8Array[]> {
  const count = Object.keys(request.rules).length;
  const pieces = [encodeCborHead('map', 1), encodeCbor('values'), encodeCborHead('map', count)];
  for (const found of evaluateAll(request, store)) {
    yield;
    if (found === undefined) continue;
    pieces.push(encodeCbor(found[0]));
    for (const piece of answerCbor(found[1])) {
      pieces.push(piece);
      yield;
    }
  }
  return pieces;
}
