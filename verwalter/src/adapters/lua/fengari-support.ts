import { luaFloatText } from './c-format.ts';

/** Raises a Lua error in state `L`; never returns. */
export type RaiseLua = (L: unknown, message: string) => never;

/** How much string memory a state may ask for before its live memory is looked at again, bytes. */
const RECHECK_BYTES = 16 * 1024 * 1024;

export interface StringLimits {
  readonly maxStringBytes: number;
  /** True when the whole memory in use is above the cap. */
  readonly isOverMemory: () => boolean;
}

const INT32 = 0x7fffffff;
const isSmall = (value: number) => value >= 0 && value <= INT32;

/** Lua's floor division of safe integers; exact, because the remainder is. */
function divide(m: number, n: number): number {
  const remainder = m % n;
  const quotient = (m - remainder) / n;
  return remainder !== 0 && remainder < 0 !== n < 0 ? quotient - 1 : quotient + 0;
}

function modulo(m: number, n: number): number {
  const remainder = m % n;
  return remainder !== 0 && remainder < 0 !== n < 0 ? remainder + n : remainder + 0;
}

/** Left shift for positive `by`, logical right shift for negative, in 64 bits. */
function shift64(value: number, by: number): bigint {
  if (by <= -64 || by >= 64) return 0n;
  const bits = BigInt.asUintN(64, BigInt(value));
  return BigInt.asIntN(64, by < 0 ? bits >> BigInt(-by) : bits << BigInt(by));
}

/**
 * What the patched fengari calls as `SUITE`. Its integers have 53 bits: a result beyond is an error instead of a silently wrong number
 * (real Lua wraps at 64 bits, which no policy means).
 */
export function fengariSupport(raise: RaiseLua, limits: StringLimits) {
  let asked = 0;
  const integer = (L: unknown, value: number): number =>
    Number.isSafeInteger(value)
      ? value + 0
      : raise(L, 'integer overflow: the result does not fit in 53 bits');
  const wide = (L: unknown, value: bigint): number => integer(L, Number(BigInt.asIntN(64, value)));
  const checkLength = (L: unknown, bytes: number): void => {
    if (bytes > limits.maxStringBytes) raise(L, 'not enough memory: resulting string too large');
  };
  return {
    integer,
    divide,
    modulo,
    and: (L: unknown, a: number, b: number) =>
      isSmall(a) && isSmall(b) ? a & b : wide(L, BigInt(a) & BigInt(b)),
    or: (L: unknown, a: number, b: number) =>
      isSmall(a) && isSmall(b) ? a | b : wide(L, BigInt(a) | BigInt(b)),
    xor: (L: unknown, a: number, b: number) =>
      isSmall(a) && isSmall(b) ? a ^ b : wide(L, BigInt(a) ^ BigInt(b)),
    shift: (L: unknown, value: number, by: number) => wide(L, shift64(value, by)),
    mayOverflow: (a: number, b: number) => Math.abs(a) > INT32 || Math.abs(b) > INT32,
    floatText: luaFloatText,
    /** A map key that differs for different bytes (upstream joins unpadded hex digits). */
    stringKey: (bytes: Uint8Array) =>
      `|${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1')}`,
    checkLength,
    account: (L: unknown, bytes: number): void => {
      checkLength(L, bytes);
      asked += bytes;
      if (asked < RECHECK_BYTES) return;
      asked = 0;
      if (limits.isOverMemory()) raise(L, 'not enough memory');
    },
  };
}
