/**
 * Differences of the published fengari (0.1.5) that a scheduler could see, removed while its sources are loaded: its
 * integers have 32 bits (millisecond timestamps break), it hashes strings with control bytes to equal keys, and nothing bounds its
 * strings. Each replacement says how often it must match; another fengari that does not fit fails at once.
 *
 * `SUITE` in the replaced text is the object of `fengari-support.ts`.
 */

export interface Replacement {
  readonly from: string;
  readonly to: string;
  readonly times: number;
}

const once = (from: string, to: string): Replacement => ({ from, to, times: 1 });

const LVM: readonly Replacement[] = [
  once('(op1.value + op2.value)|0', 'SUITE.integer(L, op1.value + op2.value)'),
  once('(op1.value - op2.value)|0', 'SUITE.integer(L, op1.value - op2.value)'),
  once('luaV_imul(op1.value, op2.value)', 'SUITE.integer(L, op1.value * op2.value)'),
  once('numberop1 & numberop2', 'SUITE.and(L, numberop1, numberop2)'),
  once('numberop1 | numberop2', 'SUITE.or(L, numberop1, numberop2)'),
  once('numberop1 ^ numberop2', 'SUITE.xor(L, numberop1, numberop2)'),
  once('luaV_shiftl(numberop1, numberop2)', 'SUITE.shift(L, numberop1, numberop2)'),
  once('luaV_shiftl(numberop1, -numberop2)', 'SUITE.shift(L, numberop1, -numberop2)'),
  once('(-op.value)|0', '0 - op.value'),
  once('setivalue(~op.value)', 'setivalue(-1 - op.value)'),
  once('(L.stack[ra].value + step)|0', 'L.stack[ra].value + step'),
  once('(initv - pstep.value)|0', 'initv - pstep.value'),
  once('Math.floor(m / n)|0', 'SUITE.divide(m, n)'),
  once('(m - Math.floor(m / n) * n)|0', 'SUITE.modulo(m, n)'),
  once('"attempt to divide by zero"', '"attempt to perform \'n//0\'"'),
  once('let buff = new Uint8Array(tl);', 'SUITE.checkLength(L, tl); let buff = new Uint8Array(tl);'),
];

const LOBJECT: readonly Replacement[] = [
  once('(v1 + v2)|0', 'SUITE.integer(L, v1 + v2)'),
  once('(v1 - v2)|0', 'SUITE.integer(L, v1 - v2)'),
  once('lvm.luaV_imul(v1, v2)', 'SUITE.integer(L, v1 * v2)'),
  once('return (v1 & v2)', 'return SUITE.and(L, v1, v2)'),
  once('return (v1 | v2)', 'return SUITE.or(L, v1, v2)'),
  once('return (v1 ^ v2)', 'return SUITE.xor(L, v1, v2)'),
  once('lvm.luaV_shiftl(v1, v2)', 'SUITE.shift(L, v1, v2)'),
  once('lvm.luaV_shiftl(v1, -v2)', 'SUITE.shift(L, v1, -v2)'),
  once('(0 - v1)|0', '0 - v1'),
  once('(~0 ^ v1)', '-1 - v1'),
  once(
    'a = (a * 16 + luaO_hexavalue(s[i]))|0;',
    'a = a * 16 + luaO_hexavalue(s[i]); if (!Number.isSafeInteger(a)) return null;',
  ),
  once('Math.floor(MAX_INT / 10)', 'Math.floor(Number.MAX_SAFE_INTEGER / 10)'),
  once('MAX_INT % 10', 'Number.MAX_SAFE_INTEGER % 10'),
  once('a > MAXBY10 || d > MAXLASTD + neg', 'a > MAXBY10 || d > MAXLASTD'),
  once('a = (a * 10 + d)|0', 'a = a * 10 + d'),
  once('(neg ? -a : a)|0', 'neg ? 0 - a : a'),
  once('let str = lua_number2str(obj.value);', 'let str = SUITE.floatText(obj.value);'),
  once("str += '.0'", "str += ''"),
];

/** By file of fengari's `src`. */
export const REPLACEMENTS: Readonly<Record<string, readonly Replacement[]>> = {
  'lvm.js': LVM,
  'lobject.js': LOBJECT,
  'luaconf.js': [
    // A fifth of the usual stack: filling the full one with slow frames takes more than a second.
    once('process.env.FENGARICONF ? JSON.parse(process.env.FENGARICONF) : {}', '{ LUAI_MAXSTACK: 200000 }'),
    once('const LUA_MAXINTEGER = 2147483647', 'const LUA_MAXINTEGER = Number.MAX_SAFE_INTEGER'),
    once('const LUA_MININTEGER = -2147483648', 'const LUA_MININTEGER = Number.MIN_SAFE_INTEGER'),
    once(
      'n >= LUA_MININTEGER && n < -LUA_MININTEGER ? n',
      'n >= LUA_MININTEGER && n <= LUA_MAXINTEGER ? n + 0',
    ),
  ],
  'lapi.js': [once('typeof n === "number" && (n|0) === n);', 'Number.isSafeInteger(n));')],
  'lbaselib.js': [once('return v|0;', 'return Number.isSafeInteger(v) ? v : null;')],
  // Folded at compile time without a state to raise an error in: leave what could overflow to run time.
  'lcode.js': [
    once('|| !validop(op, v1, v2))', '|| !validop(op, v1, v2) || SUITE.mayOverflow(v1.value, v2.value))'),
  ],
  'lmathlib.js': [
    once('n = (-n)|0', 'n = 0 - n'),
    once('(lua_tointeger(L, 1) % d)|0', '(lua_tointeger(L, 1) % d) + 0'),
  ],
  'ltable.js': [
    { from: '(key|0) === key', to: 'Number.isSafeInteger(key)', times: 2 },
    once('(kv|0) === kv', 'Number.isSafeInteger(kv)'),
  ],
  'lstring.js': [
    once('let s = "|";', 'return SUITE.stringKey(str); let s;'),
    once('    return new TString(L, str);', '    SUITE.account(L, str.length); return new TString(L, str);'),
  ],
  'lstrlib.js': [
    once("const { sprintf } = require('sprintf-js');", ''),
    once(
      'let totallen = n * l + (n - 1) * lsep;',
      'let totallen = n * l + (n - 1) * lsep; SUITE.checkLength(L, totallen);',
    ),
  ],
  'lauxlib.js': [once('let newend = B.n + sz;', 'let newend = B.n + sz; SUITE.checkLength(B.L, newend);')],
};
