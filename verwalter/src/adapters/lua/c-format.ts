/**
 * C's `printf` conversions of numbers, exact to the last digit: the pure JavaScript Lua engine must print what real Lua prints.
 * JavaScript's own `toFixed`/`toPrecision` round ties upwards, C rounds them to even; so digits come from exact
 * integer arithmetic on the double's mantissa.
 */

export interface NumberFormat {
  readonly left: boolean;
  readonly plus: boolean;
  readonly space: boolean;
  readonly alternate: boolean;
  readonly zero: boolean;
  readonly width: number;
  readonly precision: number | undefined;
}

export const PLAIN_FORMAT: NumberFormat = {
  left: false,
  plus: false,
  space: false,
  alternate: false,
  zero: false,
  width: 0,
  precision: undefined,
};

const view = new DataView(new ArrayBuffer(8));

/** A finite, non-negative double as `mantissa × 2^exponent` (IEEE 754 binary64 layout). */
function decompose(value: number): { mantissa: bigint; exponent: number } {
  view.setFloat64(0, value);
  const bits = view.getBigUint64(0);
  const raw = Number((bits >> 52n) & 0x7ffn);
  const fraction = bits & 0xfffffffffffffn;
  return raw === 0
    ? { mantissa: fraction, exponent: -1074 }
    : { mantissa: fraction | 0x10000000000000n, exponent: raw - 1075 };
}

/** `value × 10^digits` rounded half to even, as an integer. `digits` may be negative. */
function scaled(value: number, digits: number): bigint {
  const { mantissa, exponent } = decompose(value);
  let numerator = mantissa;
  let denominator = 1n;
  if (exponent >= 0) numerator <<= BigInt(exponent);
  else denominator <<= BigInt(-exponent);
  if (digits >= 0) numerator *= 10n ** BigInt(digits);
  else denominator *= 10n ** BigInt(-digits);
  const quotient = numerator / denominator;
  const twice = (numerator % denominator) * 2n;
  const up = twice > denominator || (twice === denominator && (quotient & 1n) === 1n);
  return up ? quotient + 1n : quotient;
}

/** `%f` of a finite non-negative number. */
function fixed(value: number, precision: number): string {
  const text = scaled(value, precision)
    .toString()
    .padStart(precision + 1, '0');
  return precision === 0 ? text : `${text.slice(0, -precision)}.${text.slice(-precision)}`;
}

/** `precision + 1` significant digits and the decimal exponent of a finite non-negative number. */
function significant(value: number, precision: number): { digits: string; exponent: number } {
  if (value === 0) return { digits: '0'.repeat(precision + 1), exponent: 0 };
  // One too low at first: rounding may have lifted 9.99… to the next power.
  let exponent = Number(value.toExponential(0).split('e')[1]) - 1;
  for (;;) {
    const digits = scaled(value, precision - exponent).toString();
    if (digits.length === precision + 1) return { digits, exponent };
    exponent += digits.length > precision + 1 ? 1 : -1;
  }
}

function exponentText(exponent: number): string {
  return `e${exponent < 0 ? '-' : '+'}${String(Math.abs(exponent)).padStart(2, '0')}`;
}

function scientific(value: number, precision: number): string {
  const { digits, exponent } = significant(value, precision);
  const fraction = precision === 0 ? '' : `.${digits.slice(1)}`;
  return `${digits.slice(0, 1)}${fraction}${exponentText(exponent)}`;
}

function general(value: number, wanted: number, alternate: boolean): string {
  const precision = wanted === 0 ? 1 : wanted;
  const { exponent } = significant(value, precision - 1);
  const isFixed = exponent >= -4 && exponent < precision;
  const text = isFixed ? fixed(value, precision - 1 - exponent) : scientific(value, precision - 1);
  if (alternate) return text;
  const [body = '', tail] = text.split('e');
  const short = body.includes('.') ? body.replace(/\.?0+$/, '') : body;
  return tail === undefined ? short : `${short}e${tail}`;
}

function finite(value: number, kind: 'e' | 'f' | 'g', format: NumberFormat): string {
  const precision = format.precision ?? 6;
  if (kind === 'f') return fixed(value, precision);
  return kind === 'e' ? scientific(value, precision) : general(value, precision, format.alternate);
}

function pad(sign: string, body: string, format: NumberFormat, zero: boolean): string {
  const missing = format.width - sign.length - body.length;
  if (missing <= 0) return sign + body;
  if (format.left) return sign + body + ' '.repeat(missing);
  return zero ? sign + '0'.repeat(missing) + body : ' '.repeat(missing) + sign + body;
}

function signOf(negative: boolean, format: NumberFormat): string {
  if (negative) return '-';
  if (format.plus) return '+';
  return format.space ? ' ' : '';
}

/** `%e %f %g` of any double. */
export function formatFloat(value: number, kind: 'e' | 'f' | 'g', format: NumberFormat): string {
  const negative = value < 0 || Object.is(value, -0);
  const magnitude = Math.abs(value);
  const isNumber = Number.isFinite(value);
  const body = isNumber ? finite(magnitude, kind, format) : Number.isNaN(value) ? 'nan' : 'inf';
  return pad(signOf(negative, format), body, format, format.zero && isNumber);
}

/** `%d %i %u %o %x %X` of an integer; unsigned conversions show the 64-bit two's complement, as C does. */
export function formatInteger(
  value: number,
  kind: 'd' | 'u' | 'o' | 'x' | 'X',
  format: NumberFormat,
): string {
  const signed = kind === 'd';
  const whole = signed ? BigInt(Math.abs(value)) : BigInt.asUintN(64, BigInt(value));
  const base = kind === 'o' ? 8 : kind === 'x' || kind === 'X' ? 16 : 10;
  let body = whole.toString(base).padStart(format.precision ?? 1, '0');
  if (format.precision === 0 && whole === 0n) body = '';
  if (format.alternate && base === 16 && whole !== 0n) body = `0x${body}`;
  if (kind === 'X') body = body.toUpperCase();
  const sign = signed ? signOf(value < 0, format) : '';
  return pad(sign, body, format, format.zero && format.precision === undefined);
}

/** Lua's `tostring` of a float: `%.14g`, with `.0` added when it would look like an integer. */
export function luaFloatText(value: number): string {
  const text = formatFloat(value, 'g', { ...PLAIN_FORMAT, precision: 14 });
  return /^[-0-9]+$/.test(text) ? `${text}.0` : text;
}
