import type { Step } from '../../config/model.ts';

/** Thrown and caught inside this room only: hashing is deeply nested and every level would pass it up unchanged. */
export class NotHashable extends Error {
  readonly kind: 'not-ready' | 'failed';
  /** Of whose identity it is; the innermost. */
  step?: Step;

  constructor(kind: 'not-ready' | 'failed', message: string) {
    super(message);
    this.kind = kind;
  }
}
