/** Thrown and caught inside this room only: hashing is deeply nested and every level would pass it up unchanged. */
export class NotHashable extends Error {
  readonly kind: 'not-ready' | 'failed';

  constructor(kind: 'not-ready' | 'failed', message: string) {
    super(message);
    this.kind = kind;
  }
}
