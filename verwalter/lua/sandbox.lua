-- The world a scheduler lives in. Called once per run, in a new Lua state, as chunk(host, input, mode); returns
-- (true, schedule, debug) or (false, error text, ""). Everything that could differ between two runs, two processes or the two engines is
-- taken away or given an order here: clock, chance, addresses, table order, files.
local host, input, mode = ...

local type, error, pcall, xpcall, select, rawget, rawlen = type, error, pcall, xpcall, select, rawget, rawlen
local rawnext, rawload, rawtostring, rawsetmetatable, getmetatable = next, load, tostring, setmetatable, getmetatable
local concat, rawsort, floor, mathtype = table.concat, table.sort, math.floor, math.type
local rawformat, gsub, find = string.format, string.gsub, string.find
local traceback, rawgetmetatable = debug.traceback, debug.getmetatable

for _, name in ipairs { 'io', 'os', 'coroutine', 'package', 'dofile', 'loadfile', 'load', 'loadstring', 'warn' } do
  _G[name] = nil
end
debug = { traceback = traceback }
string.dump, string.pack, string.unpack, string.packsize = nil, nil, nil, nil
math.ult = nil
-- The amount of garbage is no input; collecting it is no business of a scheduler.
function collectgarbage() return 0 end

-- Order of tables ------------------------------------------------------------------------------------------------

local function sort_unless_sorted(list, n)
  for i = 2, n do
    if list[i] < list[i - 1] then
      rawsort(list)
      return
    end
  end
end

-- Keys of t: numbers ascending, then strings by bytes, then false, true. Tables as keys have no order two runs share.
local function sorted_keys(t)
  local keys, n, strings, s = {}, 0, {}, 0
  local has_false, has_true = false, false
  for key in rawnext, t do
    local kind = type(key)
    if kind == 'number' then n = n + 1; keys[n] = key
    elseif kind == 'string' then s = s + 1; strings[s] = key
    elseif kind ~= 'boolean' then error('a key is a ' .. kind .. ': only numbers, strings and booleans have an order', 3)
    elseif key then has_true = true
    else has_false = true end
  end
  sort_unless_sorted(keys, n)
  sort_unless_sorted(strings, s)
  for i = 1, s do keys[n + i] = strings[i] end
  n = n + s
  if has_false then n = n + 1; keys[n] = false end
  if has_true then n = n + 1; keys[n] = true end
  return keys, n
end

function pairs(t)
  local meta = getmetatable(t)
  local custom = type(meta) == 'table' and rawget(meta, '__pairs')
  if custom then
    local step, state, first = custom(t)
    return step, state, first
  end
  if type(t) ~= 'table' then error("bad argument #1 to 'pairs' (table expected, got " .. type(t) .. ')', 2) end
  local keys, n = sorted_keys(t)
  local i = 0
  return function()
    while i < n do
      i = i + 1
      local key = keys[i]
      local value = rawget(t, key)
      if value ~= nil then return key, value end
    end
    return nil
  end, t, nil
end

-- The walk in progress: next(t, key) goes on where the last call stood, so that walking stays linear.
local walk = { keys = {}, n = 0, at = 0 }

local function next_from(t)
  while walk.at < walk.n do
    walk.at = walk.at + 1
    local value = rawget(t, walk.keys[walk.at])
    if value ~= nil then return walk.keys[walk.at], value end
  end
  return nil
end

function next(t, key)
  if type(t) ~= 'table' then error("bad argument #1 to 'next' (table expected, got " .. type(t) .. ')', 2) end
  if rawnext(t) == nil then return nil end
  if key == nil or walk.t ~= t or walk.keys[walk.at] ~= key then
    walk.t, walk.at = t, 0
    walk.keys, walk.n = sorted_keys(t)
    while key ~= nil and walk.keys[walk.at] ~= key do
      if walk.at >= walk.n then error("invalid key to 'next'", 2) end
      walk.at = walk.at + 1
    end
  end
  return next_from(t)
end

local function less(a, b) return a < b end

local function merge(from, to, low, middle, high, before)
  local left, right = low, middle
  for at = low, high - 1 do
    if left < middle and (right >= high or not before(from[right], from[left])) then
      to[at] = from[left]
      left = left + 1
    else
      to[at] = from[right]
      right = right + 1
    end
  end
end

-- Stable: equal elements keep their order, so the result depends on the list and the comparison alone.
function table.sort(list, before)
  before = before or less
  local n = #list
  local from, to, width = {}, {}, 1
  for i = 1, n do from[i] = list[i] end
  while width < n do
    for low = 1, n, 2 * width do
      local middle, high = low + width, low + 2 * width
      if middle > n + 1 then middle = n + 1 end
      if high > n + 1 then high = n + 1 end
      merge(from, to, low, middle, high, before)
    end
    from, to, width = to, from, width * 2
  end
  for i = 1, n do list[i] = from[i] end
end

function setmetatable(t, meta)
  if type(meta) == 'table' and (rawget(meta, '__gc') ~= nil or rawget(meta, '__mode') ~= nil) then
    error('__gc and __mode are not available: when garbage is collected is no input', 2)
  end
  return rawsetmetatable(t, meta)
end

-- Text -----------------------------------------------------------------------------------------------------------

local names, named = {}, 0

-- The sign of nan depends on the processor.
local nan = 0.0 / 0.0
if rawtostring(nan) == '-nan' then nan = -nan end

-- Tables and functions get numbers in order of their first printing, never addresses.
local function plain(value)
  local kind = type(value)
  if value ~= value then return 'nan' end
  if kind ~= 'table' and kind ~= 'function' and kind ~= 'userdata' then return rawtostring(value) end
  local meta = rawgetmetatable(value)
  if meta and rawget(meta, '__tostring') then return rawtostring(value) end
  if not names[value] then
    named = named + 1
    names[value] = rawformat('%s: %d', kind, named)
  end
  return names[value]
end

function tostring(...)
  if select('#', ...) == 0 then error("bad argument #1 to 'tostring' (value expected)", 2) end
  return plain((...))
end

function string.format(pattern, ...)
  local count = select('#', ...)
  local args = { ... }
  if type(pattern) == 'string' then
    -- Lua 5.4 refuses %0s, which older scripts use.
    pattern = gsub(pattern, '%%0s', '%%s')
    if find(gsub(pattern, '%%%%', ''), '%%[^%a]*[paA]') then error("bad argument #1 to 'format' (%p and %a are not available)", 2) end
  end
  for i = 1, count do
    local kind = type(args[i])
    if kind == 'table' or kind == 'function' then args[i] = plain(args[i])
    elseif args[i] ~= args[i] then args[i] = nan end
  end
  return rawformat(pattern, table.unpack(args, 1, count))
end

function print(...)
  local words = {}
  for i = 1, select('#', ...) do words[i] = plain((select(i, ...))) end
  host.print(concat(words, '\t'))
end

-- Numbers --------------------------------------------------------------------------------------------------------

-- Both engines are exact up to here; results beyond are an error in one and not portable in the other.
math.maxinteger, math.mininteger = 9007199254740991, -9007199254740991

local rawtointeger = math.tointeger
function math.tointeger(value)
  if mathtype(value) then return rawtointeger(value) end
  return nil
end

-- One implementation of these for both engines: C libraries differ in the last digit.
for _, name in ipairs { 'exp', 'sin', 'cos', 'tan', 'asin', 'acos' } do
  local check = math[name]
  math[name] = function(value) check(value); return host.math(name, value + 0.0) + 0.0 end
end
-- The operator ^ may differ in its last digit between the engines when the result is not exact; this does not.
function math.pow(base, exponent) return host.math('pow', base + 0.0, exponent + 0.0) + 0.0 end
local rawlog, rawatan = math.log, math.atan
function math.log(value, base)
  rawlog(value, base)
  if base == nil then return host.math('log', value + 0.0) + 0.0 end
  if base == 2 then return host.math('log2', value + 0.0) + 0.0 end
  if base == 10 then return host.math('log10', value + 0.0) + 0.0 end
  return host.math('log', value + 0.0) / host.math('log', base + 0.0)
end
function math.atan(y, x)
  rawatan(y, x)
  return host.math('atan2', y + 0.0, (x or 1) + 0.0) + 0.0
end

-- Seeded from input.now by the host: the same input draws the same numbers.
function math.randomseed(seed) host.randomseed((seed or 0) + 0.0) end

function math.random(low, high)
  local drawn = host.random()
  if low == nil then return drawn + 0.0 end
  if high == nil then low, high = 1, low end
  low, high = rawtointeger(low), rawtointeger(high)
  if low == nil or high == nil then error("bad argument to 'random' (number has no integer representation)", 2) end
  if low > high then error("bad argument to 'random' (interval is empty)", 2) end
  return low + floor(drawn * (high - low + 1))
end

-- Modules --------------------------------------------------------------------------------------------------------

local loaded = {}

function require(name)
  if type(name) ~= 'string' then error("bad argument #1 to 'require' (string expected)", 2) end
  local key = gsub(name, '%.lua$', '')
  if loaded[key] ~= nil then
    if loaded[key] == require then error("module '" .. key .. "' requires itself", 2) end
    return loaded[key]
  end
  local source = host.source(key)
  if source == nil then
    error("module '" .. key .. "' is not there: no " .. key .. '.lua in the scheduler directory or the library', 2)
  end
  local chunk, problem = rawload(source, '@' .. key .. '.lua', 't', _G)
  if chunk == nil then error(problem, 0) end
  loaded[key] = require
  local result = chunk(key)
  if result == nil then result = true end
  loaded[key] = result
  return result
end

-- Native helpers -------------------------------------------------------------------------------------------------

local list_mark = { __verwalter_list = true }

verwalter = {
  place = function(spec) return host.place(spec) end,
  json_encode = function(value) return host.encode(value, 'value') end,
  json_decode = function(text) return host.decode(text) end,
  -- An empty Lua table is written as {}; one marked here as [].
  list = function(t) return rawsetmetatable(t or {}, list_mark) end,
}

-- The run --------------------------------------------------------------------------------------------------------

local function message_of(problem)
  if type(problem) == 'string' then return problem end
  local ok, text = pcall(plain, problem)
  if not ok or type(text) ~= 'string' then text = type(problem) end
  if type(problem) == 'table' and type(rawget(problem, 'message')) == 'string' then text = rawget(problem, 'message') end
  return '(error object) ' .. text
end

local function explain(problem) return traceback(message_of(problem), 2) end

local function main()
  local module = require 'main'
  if type(module) ~= 'table' then
    error('main.lua must return a table with a function "scheduler", it returned: ' .. type(module), 0)
  end
  local scheduler = module.scheduler
  if type(scheduler) ~= 'function' then error('the table main.lua returns has no function "scheduler"', 0) end
  if mode == 'check' then return 'null', '' end
  local schedule, log = scheduler(input)
  if log ~= nil and type(log) ~= 'string' then error('the second value returned must be a string, the debug log', 0) end
  if type(schedule) == 'table' then return host.encode(schedule, 'schedule'), log or '' end
  if type(schedule) == 'string' then return schedule, log or '' end
  error('the scheduler returned ' .. type(schedule) .. ', not a table or a string of JSON', 0)
end

local ok, first, second = xpcall(main, explain)
if ok then return true, first, second end
if type(first) ~= 'string' then first = message_of(first) end
return false, first, ''
