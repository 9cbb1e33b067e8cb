// What goes back to a client.
import type { VerbAnswer } from '@suite/shared/wire/lithos.ts';

export interface Answer {
  readonly status: number;
  readonly type: string;
  readonly text: string;
  /** Methods of a path, where another one was used. */
  readonly allow?: string;
}

/** With a newline, for those who read it in a terminal. */
export function json(value: unknown, status = 200): Answer {
  return { status, type: 'application/json', text: `${JSON.stringify(value)}\n` };
}

export function refusal(status: number, message: string): Answer {
  const answer: VerbAnswer = { ok: false, message, instances: [] };
  return json(answer, status);
}
