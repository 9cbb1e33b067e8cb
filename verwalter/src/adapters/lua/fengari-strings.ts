import { formatFloat, formatInteger, type NumberFormat } from './c-format.ts';
import type { FengariApi, FengariFunction, FengariState } from './fengari-loader.ts';

/** One conversion of a format: flags, width, precision, letter. Lua allows two digits for width and precision. */
const CONVERSION = /%(?:%|([-+ #0]{0,5})(\d{0,2})(?:\.(\d{0,2}))?(.?))/gs;

function raise(api: FengariApi, L: FengariState, message: string): never {
  api.lua_pushstring(L, Buffer.from(message));
  return api.lua_error(L);
}

function numberFormat(flags: string, width: string, precision: string | undefined): NumberFormat {
  return {
    left: flags.includes('-'),
    plus: flags.includes('+'),
    space: flags.includes(' '),
    alternate: flags.includes('#'),
    zero: flags.includes('0'),
    width: Number(width),
    precision: precision === undefined ? undefined : Number(precision),
  };
}

/** Strings travel as latin1 text: one character per byte. */
function textOf(api: FengariApi, L: FengariState, index: number, format: NumberFormat): string {
  const bytes = api.luaL_tolstring(L, index);
  const whole = Buffer.from(bytes).toString('latin1');
  api.lua_settop(L, -2);
  const text = format.precision === undefined ? whole : whole.slice(0, format.precision);
  return format.left ? text.padEnd(format.width) : text.padStart(format.width);
}

/** `%q`: a Lua literal. Floats would need C's hexadecimal notation and are refused. */
function quoted(api: FengariApi, L: FengariState, index: number): string {
  const type = api.lua_type(L, index);
  if (type !== 4) {
    if (type === 3 && !api.lua_isinteger(L, index)) raise(api, L, '%q of a float is not available');
    const text = Buffer.from(api.luaL_tolstring(L, index)).toString('latin1');
    api.lua_settop(L, -2);
    return text;
  }
  const text = Buffer.from(api.lua_tostring(L, index)).toString('latin1');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these bytes are what has to be escaped
  const escaped = text.replace(/["\\\n]|[\0-\x1f\x7f](?=(\d?))/g, (char, digit: string | undefined) => {
    if (char === '"' || char === '\\' || char === '\n') return `\\${char}`;
    const code = String(char.charCodeAt(0));
    return `\\${digit ? code.padStart(3, '0') : code}`;
  });
  return `"${escaped}"`;
}

function convert(
  api: FengariApi,
  L: FengariState,
  index: number,
  letter: string,
  format: NumberFormat,
): string {
  const lower = letter.toLowerCase();
  if (letter === 'q') return quoted(api, L, index);
  if (letter === 's') return textOf(api, L, index, format);
  if (letter === 'c')
    return String.fromCharCode(api.luaL_checkinteger(L, index) & 0xff).padStart(format.width);
  if (letter === 'd' || letter === 'i') return formatInteger(api.luaL_checkinteger(L, index), 'd', format);
  if (letter === 'u' || letter === 'o' || lower === 'x') {
    return formatInteger(api.luaL_checkinteger(L, index), letter as 'u' | 'o' | 'x' | 'X', format);
  }
  if (lower === 'e' || letter === 'f' || lower === 'g') {
    const text = formatFloat(api.luaL_checknumber(L, index), lower as 'e' | 'f' | 'g', format);
    return letter === lower ? text : text.toUpperCase();
  }
  return raise(api, L, `invalid conversion '%${letter}' to 'format'`);
}

/** `string.format` with C's exact rounding, in place of fengari's own (which needs a package and rounds like JavaScript). */
export function stringFormat(api: FengariApi): FengariFunction {
  return L => {
    const top = api.lua_gettop(L);
    const pattern = Buffer.from(api.luaL_checkstring(L, 1)).toString('latin1');
    let index = 1;
    const result = pattern.replace(
      CONVERSION,
      (
        whole: string,
        flags: string | undefined,
        width: string,
        precision: string | undefined,
        letter: string,
      ) => {
        if (whole === '%%') return '%';
        index++;
        if (index > top) raise(api, L, `bad argument #${index} to 'format' (no value)`);
        return convert(api, L, index, letter, numberFormat(flags ?? '', width, precision));
      },
    );
    api.lua_pushstring(L, Buffer.from(result, 'latin1'));
    return 1;
  };
}
