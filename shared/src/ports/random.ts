export interface Random {
  /** In [0, 1). */
  next(): number;
  /** A whole number, `minInclusive <= n < maxExclusive`. */
  between(minInclusive: number, maxExclusive: number): number;
  bytes(count: number): Uint8Array;
}
