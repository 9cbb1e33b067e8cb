import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import t, { type Test as Tap } from 'tap';
import { formatFloat, formatInteger, luaFloatText, PLAIN_FORMAT } from '../../src/adapters/lua/c-format.ts';
import { createSchedulerRunner } from '../../src/adapters/lua/runner.ts';
import { canonicalJson } from '../../src/core/schedule/canonical.ts';
import { encodeLua, type RawValue } from '../../src/core/scheduler/encode.ts';
import type {
  EngineKind,
  RunResult,
  SchedulerInput,
  SchedulerRunner,
} from '../../src/core/scheduler/engine.ts';

const ENGINES: readonly EngineKind[] = ['wasmoon', 'fengari'];
const DEADLINE_MS = 5_000;

// The hostile schedulers alone take 40 × 2 deadlines.
t.setTimeout(300_000);

const INPUT: SchedulerInput = {
  now: 1_465_479_290_007,
  current_host: 'jupyter',
  current_id: '0123456789abcdef0123456789abcdef',
  parents: [],
  actions: {},
  runtime: {},
  peers: {},
  metrics: {},
};

const files = (main: string, more: Record<string, string> = {}) =>
  new Map(Object.entries({ 'main.lua': main, ...more }));
const wrap = (body: string) => `return { scheduler = function(input) ${body} end }`;

async function withRunner<T>(
  engine: EngineKind,
  use: (runner: SchedulerRunner) => Promise<T>,
  memoryMb = 256,
): Promise<T> {
  const runner = createSchedulerRunner({ engine, memoryMb });
  try {
    return await use(runner);
  } finally {
    await runner.close();
  }
}

async function runOnce(
  engine: EngineKind,
  main: string,
  input: SchedulerInput = INPUT,
  more: Record<string, string> = {},
): Promise<RunResult> {
  return withRunner(engine, async runner => {
    const loaded = await runner.load(files(main, more));
    return loaded.ok
      ? runner.run(input, DEADLINE_MS)
      : { ok: false, error: `load: ${loaded.error}`, debug: '' };
  });
}

/** Runs `body` (which returns a table) in both engines; the results must be equal to each other and to `expected`. */
async function same(
  t: Tap,
  name: string,
  body: string,
  expected: unknown,
  input: SchedulerInput = INPUT,
): Promise<void> {
  for (const engine of ENGINES) {
    const result = await runOnce(engine, wrap(body), input);
    t.same(result.ok ? result.schedule : result.error, expected, `${engine}: ${name}`);
  }
}

t.test('whole numbers have 53 bits and look like whole numbers', async t => {
  await same(
    t,
    'integers',
    `local ts = input.now
     return {
       product = 1048576 * 4096, stamp = ts, micro = ts * 1000, text = ts .. '', half = 10 / 2, halfText = tostring(10 / 2),
       division = { 7 // 2, -7 // 2, 7 // -2, 9007199254740991 // 2, ts // 1000 },
       modulo = { 7 % 3, -7 % 3, 7 % -3, 9007199254740991 % 1000, -7.5 % 2 },
       bits = { 1 << 40, (1 << 40) >> 38, 0xffffffff & ts, 5 | (1 << 33), 6 ~ 3, ~5 },
       parsed = { tonumber('1465479290007'), tonumber('0xffffffff'), tonumber('ff', 16), tonumber('  12  '), tonumber('1e3') },
       types = { math.type(1465479290007), math.type(2 ^ 31), math.type(tonumber('9007199254740991')) },
       floor = math.floor(1465479290007.9), max = math.maxinteger, loop = (function() local n = 0 for i = ts, ts + 2 do n = n + 1 end return n end)(),
       abs = math.abs(-1465479290007), tointeger = math.tointeger(3.0), key = ({ [2 ^ 32] = 'x' })[4294967296],
       format = string.format('%d|%5d|%-5d|%05d|%x|%X|%o|%c', ts, 42, 42, 42, 255, 255, 8, 65),
     }`,
    {
      product: 4294967296,
      stamp: 1465479290007,
      micro: 1465479290007000,
      text: '1465479290007',
      half: 5,
      halfText: '5.0',
      division: [3, -4, -4, 4503599627370495, 1465479290],
      modulo: [1, 2, -2, 991, 0.5],
      bits: [1099511627776, 4, Number(0xffffffffn & 1465479290007n), 8589934597, 5, -6],
      parsed: [1465479290007, 4294967295, 255, 12, 1000],
      types: ['integer', 'float', 'integer'],
      floor: 1465479290007,
      max: 9007199254740991,
      loop: 3,
      abs: 1465479290007,
      tointeger: 3,
      key: 'x',
      format: '1465479290007|   42|42   |00042|ff|FF|10|A',
    },
  );
});

t.test('a result beyond 53 bits is an error in fengari, and in every schedule', async t => {
  const beyond = await runOnce('fengari', wrap('return { x = 9007199254740991 + 1 }'));
  t.match(beyond, { ok: false, error: /integer overflow/ });
  for (const engine of ENGINES) {
    t.match(await runOnce(engine, wrap('return { a = { x = 2 ^ 53 } }')), {
      ok: false,
      error: /schedule\.a\.x: a number above 2\^53-1/,
    });
  }
});

t.test('tables have one order everywhere', async t => {
  await same(
    t,
    'pairs and next',
    `local t = { z = 1, a = 2, [3] = 3, [1] = 4, [2.5] = 5, [true] = 6, [false] = 7, ['10'] = 8, ['9'] = 9 }
     local function keys(step) local list = {} for k in step do list[#list + 1] = tostring(k) end return list end
     local byNext, k = {}, nil
     repeat k = next(t, k) if k ~= nil then byNext[#byNext + 1] = tostring(k) end until k == nil
     local byPairs = {}
     for key in pairs(t) do byPairs[#byPairs + 1] = tostring(key) end
     local removed = {}
     local r = { a = 1, b = 2, c = 3 }
     for key in pairs(r) do removed[#removed + 1] = key r.b = nil end
     local custom = setmetatable({}, { __pairs = function() local done return function() if not done then done = true return 'only', 1 end end end })
     local seen = {}
     for key in pairs(custom) do seen[#seen + 1] = key end
     return { byPairs = byPairs, byNext = byNext, removed = removed, empty = next({}) == nil, custom = seen }`,
    {
      byPairs: ['1', '2.5', '3', '10', '9', 'a', 'z', 'false', 'true'],
      byNext: ['1', '2.5', '3', '10', '9', 'a', 'z', 'false', 'true'],
      removed: ['a', 'c'],
      empty: true,
      custom: ['only'],
    },
  );
  for (const engine of ENGINES) {
    t.match(await runOnce(engine, wrap('for k in pairs({ [{}] = 1 }) do end return {}')), {
      ok: false,
      error: /main\.lua:1: a key is a table/,
    });
  }
});

t.test('sorting is stable and never fails', async t => {
  await same(
    t,
    'sort',
    `local list = {}
     for i = 1, 200 do list[i] = { group = i * 7 % 5, at = i } end
     table.sort(list, function(a, b) return a.group < b.group end)
     local stable = true
     for i = 2, 200 do if list[i].group == list[i - 1].group and list[i].at < list[i - 1].at then stable = false end end
     local odd = { 3, 1, 2 }
     table.sort(odd, function() return true end)
     local words = { 'b', 'ä', 'a', 'B', '10', '9' }
     table.sort(words)
     return { stable = stable, words = words, size = #odd }`,
    { stable: true, words: ['10', '9', 'B', 'a', 'b', 'ä'], size: 3 },
  );
});

t.test('no addresses, no clock, no chance, no files', async t => {
  await same(
    t,
    'world',
    `local absent = {}
     for _, name in ipairs { 'io', 'os', 'coroutine', 'package', 'load', 'loadstring', 'loadfile', 'dofile', 'warn', 'js', 'fengari' } do
       if _G[name] ~= nil then absent[#absent + 1] = name end
     end
     local debugKeys = {}
     for key in pairs(debug) do debugKeys[#debugKeys + 1] = key end
     local t1, t2 = {}, {}
     local weak = pcall(setmetatable, {}, { __mode = 'k' })
     local gc = pcall(setmetatable, {}, { __gc = function() end })
     return { present = verwalter.list(absent), debug = debugKeys, text = tostring(t1) .. tostring(t2) .. tostring(t1), format = string.format('%s %s', t1, print),
       random = { math.random(1000000), math.random(5, 6), math.random() < 1 }, weak = weak, gc = gc, count = collectgarbage('count'), dump = string.dump == nil }`,
    {
      present: [],
      debug: ['traceback'],
      text: 'table: 1table: 2table: 1',
      format: 'table: 1 function: 3',
      random: [658591, 5, true],
      weak: false,
      gc: false,
      count: 0,
      dump: true,
    },
  );
});

t.test('text functions agree', async t => {
  await same(
    t,
    'strings',
    `return { upper = ('äb'):upper(), len = #'ä', find = { ('a.b'):find('.', 1, true) }, gsub = (('hello'):gsub('l+', '<%0>')), rep = ('ab'):rep(3, '-'),
       match = { ('key = value'):match('^(%w+)%s*=%s*(%w+)$') }, bytes = { ('\\1#'):byte(1, -1) }, utf = utf8.char(228, 8364), utflen = utf8.len('ä€'),
       q = string.format('%q', 'a\\nb"\\0001'), s = string.format('%-6s|%6s|%.2s|', 'abc', 'abc', 'abc'), zero = string.format('%0s', 'x'),
       keys = (function() local t = {} t['\\1\\35'] = 1 t['\\18\\3'] = 2 return t['\\1\\35'] end)(), cmp = 'a' < 'b' and 'Z' < 'a' and 'a' < 'ä' }`,
    {
      upper: 'äB',
      len: 2,
      find: [2, 2],
      gsub: 'he<ll>o',
      rep: 'ab-ab-ab',
      match: ['key', 'value'],
      bytes: [1, 35],
      utf: 'ä€',
      utflen: 2,
      q: '"a\\\nb\\"\\0001"',
      s: 'abc   |   abc|ab|',
      zero: 'x',
      keys: 1,
      cmp: true,
    },
  );
});

t.test('numbers print the same in both engines, to the last digit', async t => {
  const values = fc.sample(
    fc.oneof(
      fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e15, max: 1e15 }),
      fc.integer({ min: -(2 ** 40), max: 2 ** 40 }).map(value => value / 64),
      fc.constantFrom(
        0.5,
        1.5,
        2.5,
        0.125,
        1e-7,
        123456789012345.5,
        1e100,
        5e-324,
        -0.0,
        0.1,
        1e15,
        1e16,
        999999.5,
      ),
    ),
    { numRuns: 300, seed: 7 },
  );
  const body = `local out = {}
    for i, v in ipairs(input.runtime) do v = v + 0.0
      out[i] = table.concat({ tostring(v), v .. '', string.format('%.2f %5.1f %g %.3e %10.4g %+.0f %G %#g %e', v, v, v, v, v, v, v, v, v) }, ' ')
    end
    return { out = out }`;
  const [one, two] = await Promise.all(
    ENGINES.map(engine => runOnce(engine, wrap(body), { ...INPUT, runtime: values })),
  );
  t.ok(one?.ok && two?.ok, 'both ran');
  t.same(one, { ...two, durationMs: one?.ok ? one.durationMs : 0 });
});

t.test('functions of math agree', async t => {
  const body = `local out = {}
    for i = 1, 200 do local v = i / 7
      out[i] = { math.exp(v / 10), math.log(v), math.log(v, 2), math.log(v, 10), math.log(v, 3), math.sin(v), math.cos(v), math.tan(v), math.atan(v), math.atan(v, -2), math.sqrt(v), v ^ 2, math.pow(v, 3.7), string.format('%.17g', 10 ^ (i % 23)), 2 ^ (i % 60 - 100), 3 ^ (i % 33) }
    end
    return { out = out }`;
  const [one, two] = await Promise.all(ENGINES.map(engine => runOnce(engine, wrap(body))));
  t.ok(one?.ok && two?.ok, 'both ran');
  t.equal(JSON.stringify(one?.ok && one.schedule), JSON.stringify(two?.ok && two.schedule));
});

t.test('C formatting by hand', async t => {
  const format = { ...PLAIN_FORMAT };
  t.equal(formatFloat(0.125, 'f', { ...format, precision: 2 }), '0.12', 'ties go to even');
  t.equal(formatFloat(2.5, 'f', { ...format, precision: 0 }), '2');
  t.equal(formatFloat(1e21, 'f', format), '1000000000000000000000.000000');
  t.equal(formatFloat(9.99951, 'g', { ...format, precision: 4 }), '10');
  t.equal(formatFloat(Number.POSITIVE_INFINITY, 'f', { ...format, width: 5, zero: true }), '  inf');
  t.equal(formatFloat(-1.5, 'e', { ...format, precision: 1 }), '-1.5e+00');
  t.equal(formatInteger(-1, 'x', format), 'ffffffffffffffff');
  t.equal(formatInteger(5, 'd', { ...format, precision: 3, plus: true }), '+005');
  t.equal(luaFloatText(1e15), '1e+15');
  t.equal(luaFloatText(100), '100.0');
});

t.test('what a scheduler may return', async t => {
  await same(t, 'a string of JSON', `return '{"b": [1, 2.0], "a": null}', 'log'`, { a: null, b: [1, 2] });
  await same(
    t,
    'lists and objects',
    'return { empty = {}, list = verwalter.list {}, numbers = { [10] = 1, [2] = 2 }, nested = { { 1 }, { 2 } } }',
    {
      empty: {},
      list: [],
      numbers: { 10: 1, 2: 2 },
      nested: [[1], [2]],
    },
  );
  const wrong: [string, RegExp][] = [
    ['return nil', /returned nil/],
    ['return 5', /returned number/],
    ["return 'nonsense'", /not JSON/],
    ["return '[1]'", /must be a JSON object/],
    ['return { 1, 2 }', /must be a JSON object/],
    ['return {}, 5', /second value returned must be a string/],
    ['return { f = { g = print } }', /schedule\.f\.g: a function/],
    ['return { x = 0 / 0 }', /schedule\.x: nan/],
    ['return { x = math.huge }', /schedule\.x: infinity/],
    ["return { x = '\\255' }", /schedule\.x: a string is not valid UTF-8/],
    ["return { x = { [1] = 'a', ['1'] = 'b' } }", /the key 1 is there both/],
    ['local t = {} t.t = t return t', /deeper than 100/],
    ["error('plain')", /main\.lua:1: plain\nstack traceback/],
    ['error({ code = 1, message = "told" })', /told/],
    ['local x = nil; return x.y', /main\.lua:1: attempt to index a nil value/],
  ];
  for (const engine of ENGINES) {
    await withRunner(engine, async runner => {
      for (const [body, message] of wrong) {
        t.match(await runner.load(files(wrap(body))), { ok: true }, body);
        t.match(await runner.run(INPUT, DEADLINE_MS), { ok: false, error: message }, `${engine}: ${body}`);
      }
    });
  }
});

t.test('loading: modules, their errors, the version before stays', async t => {
  for (const engine of ENGINES) {
    await withRunner(engine, async runner => {
      t.match(await runner.run(INPUT, DEADLINE_MS), { ok: false, error: /no scheduler is loaded/ });
      const good = files(
        "local m = require 'lib/x.lua' return { scheduler = function() return { x = m.value, name = m.name } end }",
        {
          'lib/x.lua': 'return { value = 7, name = ... }',
        },
      );
      t.same(await runner.load(good), { ok: true });
      const broken: [string, Record<string, string>, RegExp][] = [
        ['return {', {}, /main\.lua:1:/],
        [
          "require 'lib/bad' return { scheduler = print }",
          { 'lib/bad.lua': '\n\nlocal = 5' },
          /lib\/bad\.lua:3:/,
        ],
        ["require 'nowhere'", {}, /module 'nowhere' is not there/],
        ["require 'a' return {}", { 'a.lua': "require 'a'" }, /requires itself/],
        ['return 5', {}, /must return a table/],
        ['return { schedule = print }', {}, /no function "scheduler"/],
        ['while true do end', {}, /longer than 5000 ms/],
      ];
      for (const [main, more, message] of broken)
        t.match(await runner.load(files(main, more)), { ok: false, error: message }, main);
      t.match(
        await runner.run(INPUT, DEADLINE_MS),
        { ok: true, schedule: { x: 7, name: 'lib/x' } },
        'the good version still runs',
      );
    });
  }
});

t.test('nothing survives from one run to the next', async t => {
  for (const engine of ENGINES) {
    await withRunner(engine, async runner => {
      await runner.load(
        files(
          'local n = 0 return { scheduler = function() n = n + 1 leak = (leak or 0) + 1 string.x = (string.x or 0) + 1 return { n = n, leak = leak, x = string.x } end }',
        ),
      );
      for (let run = 0; run < 3; run++) {
        t.match(
          await runner.run(INPUT, DEADLINE_MS),
          { ok: true, schedule: { n: 1, leak: 1, x: 1 } },
          engine,
        );
      }
    });
  }
});

t.test('print becomes debug text, also of a run that fails; it is cut', async t => {
  for (const engine of ENGINES) {
    const good = await runOnce(engine, wrap("print('one', 2, nil, { }) print(true) return {}, 'returned'"));
    t.equal(good.debug, 'one\t2\tnil\ttable: 1\ntrue\nreturned');
    const bad = await runOnce(engine, wrap("print('before') error('x')"));
    t.equal(bad.debug, 'before\n');
    const much = await runOnce(
      engine,
      wrap("local line = ('x'):rep(100000) for i = 1, 30 do print(line) end return {}"),
    );
    t.match(much.debug, /cut after 1048576 characters\n$/);
    t.ok(much.debug.length < 1_100_000);
  }
});

t.test('the input arrives as it is', async t => {
  const input: SchedulerInput = {
    ...INPUT,
    parents: [{ state: { a: 1.5 } }],
    actions: { '1465479290007000': { button: { action: 'x' } } },
    runtime: { 'v1.0': { text: 'ä€😀', flag: false, nothing: null, list: [1, null, 3] } },
  };
  await same(
    t,
    'input',
    `local v = input.runtime['v1.0']
     local id = next(input.actions)
     return { idType = type(id), id = tonumber(id), text = v.text, flag = v.flag, nothing = v.nothing == nil, hole = v.list[2] == nil, third = v.list[3],
       a = input.parents[1].state.a, now = math.type(input.now), host = input.current_host, back = verwalter.json_decode(verwalter.json_encode(v)).text }`,
    {
      idType: 'string',
      id: 1465479290007000,
      text: 'ä€😀',
      flag: false,
      nothing: true,
      hole: true,
      third: 3,
      a: 1.5,
      now: 'integer',
      host: 'jupyter',
      back: 'ä€😀',
    },
    input,
  );
});

/** Each must end with an error (never a schedule) at the latest one second after its deadline. */
const HOSTILE: Readonly<Record<string, string>> = {
  'endless loop': 'while true do end',
  'loop that catches the error': 'while true do pcall(function() while true do end end) end',
  'handler that loops':
    'xpcall(function() while true do end end, function() while true do end end) while true do end',
  'deep recursion': 'local function f() return 1 + f() end return f()',
  'tail recursion': 'local function f() return f() end return f()',
  'recursion through gsub': "local function f(s) return (s:gsub('.', f)) end return { f('x') .. 1 }",
  'recursion through a metatable':
    'local t t = setmetatable({}, { __index = function(_, k) return t[k] end }) return { t.x }',
  'metatable loop':
    'local a, b = {}, {} setmetatable(a, { __index = b }) setmetatable(b, { __index = a }) return { x = a.x .. 1 }',
  'memory: tables': 'local t = {} for i = 1, 1e9 do t[i] = { i } end',
  'memory: one string': "return { x = ('x'):rep(1e10) }",
  'memory: doubling': "local s = 'x' while true do s = s .. s end",
  'memory: many strings': "local t = {} for i = 1, 1e6 do t[i] = ('xy'):rep(500000) .. i end",
  'memory: concat':
    "local t = {} for i = 1, 1e6 do t[i] = ('x'):rep(10000) end return { x = table.concat(t) }",
  'memory caught':
    "local t = {} while true do pcall(function() for i = 1, 1e7 do t[#t + 1] = ('x'):rep(1000) .. i end end) end",
  'pathological pattern': "return { x = (('a'):rep(300000)):find(('.-'):rep(20) .. 'b') or error('none') }",
  unpack: 'return { n = select("#", table.unpack({}, 1, 1e8)) }',
  'sort that loops': 'table.sort({ 1, 2, 3 }, function() while true do end end)',
  'error object': 'error({})',
  'error nil': 'error()',
  'error with broken __tostring': "error(setmetatable({}, { __tostring = function() error('inner') end }))",
  'error with endless __tostring':
    'error(setmetatable({}, { __tostring = function() while true do end end }))',
  'tostring that is no string': 'error(setmetatable({}, { __tostring = function() return {} end }))',
  yield: 'coroutine.yield()',
  'yield by debug': 'debug.sethook(print) return {}',
  'load by bytes': "return load('return 1')",
  dump: 'return string.dump(print)',
  files: "return io.open('/etc/passwd')",
  system: "return os.execute('true')",
  package: "return package.loadlib('x', 'y')",
  'escape by require': "return require '../../etc/passwd'",
  'broken pairs': 'setmetatable(_G, { __pairs = 5 }) for k in pairs(_G) do end',
  'globals gone': 'for k in pairs(_G) do _G[k] = nil end return { x = nothing() }',
  'library broken':
    'string.format = nil table.sort = nil tostring = nil print = nil error = nil xpcall = nil local x = nil + 1',
  'setmetatable on strings': "getmetatable('').__index = nil return { x = ('x'):rep(3) }",
  'self in itself': 'local t = {} for i = 1, 10 do t = { t, t } end t[1] = t return t',
  'deep table': 'local t, root = {}, nil root = t for i = 1, 1e5 do t.a = {} t = t.a end return root',
  'json bomb': "return { x = verwalter.json_decode(('['):rep(1e6)) }",
  'place bomb': 'return verwalter.place { hosts = {}, count = 1e12 }',
  'random interval': 'return { x = math.random(5, 1) }',
  'format flood': "return { x = string.format(('%99.99f'):rep(1e6), 1) }",
};

for (const engine of ENGINES) {
  t.test(
    `${engine}: ${Object.keys(HOSTILE).length} hostile schedulers end with an error in time`,
    async t => {
      const deadlineMs = 400;
      await withRunner(engine, async runner => {
        for (const [name, body] of Object.entries(HOSTILE)) {
          t.match(await runner.load(files(wrap(`do ${body} end`))), { ok: true }, name);
          const started = performance.now();
          const result = await runner.run(INPUT, deadlineMs);
          const took = performance.now() - started;
          t.match(
            result,
            { ok: false },
            `${name}: ${result.ok ? 'gave a schedule' : result.error.split('\n')[0]}`,
          );
          t.ok(took < deadlineMs + 4000, `${name} took ${took.toFixed(0)} ms`);
        }
        await runner.load(files(wrap('return { alive = true }')));
        t.match(
          await runner.run(INPUT, DEADLINE_MS),
          { ok: true, schedule: { alive: true } },
          'the runner still works',
        );
      });
      t.ok(process.memoryUsage().rss < 1_500_000_000, 'this process did not grow with them');
    },
  );
}

t.test('after a terminated run the same version runs again', async t => {
  for (const engine of ENGINES) {
    await withRunner(engine, async runner => {
      await runner.load(
        files(
          wrap(
            "if input.runtime.bad then return { x = (('a'):rep(300000)):find(('.-'):rep(20) .. 'b') } end return { fine = true }",
          ),
        ),
      );
      t.match(await runner.run({ ...INPUT, runtime: { bad: true } }, 300), {
        ok: false,
        error: /had to be killed/,
      });
      t.match(await runner.run(INPUT, DEADLINE_MS), { ok: true, schedule: { fine: true } });
    });
  }
});

/** Plays the daemon: starts the worker, gives it a match that never ends, says its pid, waits to be killed. */
const DAEMON = `
const child = require('node:child_process').spawn(process.execPath, [process.argv[1]], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'], serialization: 'advanced', env: {} });
const main = "return { scheduler = function() return { x = (('a'):rep(300000)):find(('.-'):rep(20) .. 'b') } end }";
child.send({ engine: 'wasmoon', memoryBytes: 2 ** 28, files: new Map([['main.lua', main]]) });
child.send({ mode: 'check', input: '{}', deadlineMs: 5000 });
child.once('message', () => { child.send({ mode: 'run', input: '{}', deadlineMs: 5000 }); setTimeout(() => console.log(child.pid), 200); });
`;

t.test('when the daemon is killed its scheduler does not stay behind, even in an endless match', async t => {
  const worker = join(process.env.SUITE_ROOT ?? '', 'verwalter/dist/lua-worker.cjs');
  const daemon = spawn(process.execPath, ['-e', DAEMON, worker], { stdio: ['ignore', 'pipe', 'inherit'] });
  const pid = await new Promise<number>(resolve =>
    daemon.stdout.once('data', data => resolve(Number(String(data)))),
  );
  t.ok(existsSync(`/proc/${pid}`), 'it runs');
  daemon.kill('SIGKILL');
  const isGone = () => {
    try {
      return / [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
    } catch {
      return true;
    }
  };
  const deadline = performance.now() + 60_000;
  while (!isGone() && performance.now() < deadline) await new Promise(resolve => setTimeout(resolve, 50));
  t.ok(isGone(), 'it is gone');
});

/** A scheduler that uses what usually leaks: pairs order, random, addresses, sorting, floats. */
const PURITY = `
local function scheduler(input)
  local seen, order = {}, {}
  for id, peer in pairs(input.peers) do order[#order + 1] = id .. peer.hostname seen[peer.hostname] = math.random(1000) end
  local weights = {}
  for i = 1, 30 do weights[i] = { name = 'h' .. i, weight = math.random(1, 9) } end
  table.sort(weights, function(a, b) return a.weight < b.weight end)
  local placed = verwalter.place { hosts = weights, count = 97 }
  local items = {}
  for i = 1, 60 do items[i] = { id = 'i' .. i, needs = { memory = math.random(1, 40) } } end
  for i = 1, 30 do weights[i].capacity = { memory = 50 } end
  local packed = verwalter.place { policy = 'bestfit', hosts = weights, instances = items }
  return { packed = packed, order = order, seen = seen, placed = placed, text = tostring({}) .. tostring(print) .. 1 / 3, at = input.now, sum = 0.1 + 0.2 }
end
return { scheduler = scheduler }`;

t.test(
  'same input, same bytes: 1,000 runs, and fresh workers of both engines',
  { timeout: 120_000 },
  async t => {
    const peers = Object.fromEntries(
      Array.from({ length: 20 }, (_, index) => {
        const id = ((index * 7919) % 1000).toString(16).padStart(4, '0');
        return [
          id,
          {
            id,
            addr: null,
            name: id,
            hostname: `n${index}`,
            schedule: null,
            known_since: 1,
            last_report_direct: null,
            last_pong_ms: null,
            reachable: true,
            errors: 0,
          },
        ];
      }),
    );
    const input = { ...INPUT, peers };
    const texts = new Set<string>();
    for (const [engine, runs] of [
      ['wasmoon', 800],
      ['fengari', 200],
    ] as const) {
      await withRunner(engine, async runner => {
        await runner.load(files(PURITY));
        for (let run = 0; run < runs; run++) {
          const result = await runner.run(input, DEADLINE_MS);
          texts.add(result.ok ? JSON.stringify(result.schedule) : result.error);
        }
      });
    }
    for (let fresh = 0; fresh < 5; fresh++) {
      for (const engine of ENGINES) {
        const result = await runOnce(engine, PURITY, input);
        texts.add(result.ok ? JSON.stringify(result.schedule) : result.error);
      }
    }
    t.equal(texts.size, 1, [...texts].map(text => text.slice(0, 200)).join('\n'));
    const [text = ''] = texts;
    t.equal(text, canonicalJson(JSON.parse(text)), 'and they are canonical');
  },
);

t.test('encoding by hand', async t => {
  const table = (entries: [RawValue, RawValue][], markedList = false): RawValue => ({ entries, markedList });
  t.equal(
    encodeLua(
      table([
        ['b', 1],
        ['a', table([], true)],
      ]),
      'x',
    ),
    '{"a":[],"b":1}',
  );
  t.equal(
    encodeLua(
      table([
        [2, 'b'],
        [1, 'a'],
      ]),
      'x',
    ),
    '["a","b"]',
  );
  t.equal(
    encodeLua(
      table([
        [3, 'c'],
        [1, 'a'],
      ]),
      'x',
    ),
    '{"1":"a","3":"c"}',
  );
  t.equal(encodeLua(table([['__proto__', 1]]), 'x'), '{"__proto__":1}');
  t.throws(() => encodeLua(table([['k', { unsupported: 'function' }]]), 'root'), {
    message: 'root.k: a function cannot be written as JSON',
  });
});

t.test('the shipped Lua has no line over 140 columns', async t => {
  const root = process.env.SUITE_ROOT ?? '';
  for (const name of [
    'sandbox.lua',
    'verwalter/policy.lua',
    'verwalter/hosts.lua',
    'verwalter/memory.lua',
    'verwalter/metrics.lua',
    'verwalter/versions.lua',
  ]) {
    const text = readFileSync(join(root, 'verwalter/lua', name), 'utf8');
    t.notOk(
      text.split('\n').some(line => line.length > 140),
      name,
    );
  }
});
