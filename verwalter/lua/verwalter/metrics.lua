-- Rates from counters. A series is {key, timestamps (ms), values}; input.metrics[peer-id]["ROLE.KEY"].items is a list of them.
local M = {}

-- A series whose newest point is older than this says nothing about now (cantal scans every 2 s).
local STALE_MS = 15000

local function host_names(input)
  local names = { [input.current_id] = input.current_host }
  for id, peer in pairs(input.peers or {}) do names[id] = peer.hostname end
  return names
end

-- Increase of a counter between two times, and the time covered. A counter that went back was restarted at 0.
local function increase(series, from, to)
  local times, values = series.timestamps, series.values
  local first, last, step = 1, #times, 1
  if last > 1 and times[1] > times[last] then first, last, step = last, 1, -1 end
  local total, start, stop, before = 0, nil, nil, nil
  for i = first, last, step do
    local at, value = times[i], values[i]
    if at >= from and at <= to and value ~= nil then
      if before ~= nil then total = total + (value >= before and value - before or value) end
      start, stop, before = start or at, at, value
    end
  end
  return total, start, stop
end

local function each_series(input, metric, visit)
  local names = host_names(input)
  for id, metrics in pairs(input.metrics or {}) do
    local multi = metrics[metric]
    for _, series in ipairs(multi and multi.items or {}) do visit(names[id] or id, series) end
  end
end

-- options: metric = "ROLE.KEY", window_ms (default 20000). Returns host → events per second, for hosts that have data.
function M.rate_by_host(input, options)
  local window = options.window_ms or 20000
  local rates = {}
  each_series(input, options.metric, function(host, series)
    local total, start, stop = increase(series, input.now - window, input.now)
    if stop == nil or stop <= start or input.now - stop > STALE_MS then return end
    rates[host] = (rates[host] or 0) + total * 1000 / (stop - start)
  end)
  return rates
end

-- The same for the whole cluster; nil when nobody has data.
function M.rate(input, options)
  local sum
  for _, rate in pairs(M.rate_by_host(input, options)) do sum = (sum or 0) + rate end
  return sum
end

-- Requests per minute: sum of the derivatives of all counters.
function M.rpm(input, options)
  local rate = M.rate(input, options)
  return rate and rate * 60
end

-- How many parts a minute is cut into: a burst in one part is no minute of errors.
local PARTS = 6

-- options: metric, above (events per second), for_ms. True when every part of the last for_ms had at least that rate; of one host, or of
-- the whole cluster when host is nil.
function M.sustained(input, options, host)
  local part = options.for_ms / PARTS
  for index = 1, PARTS do
    local from = input.now - options.for_ms + (index - 1) * part
    local rate = 0
    each_series(input, options.metric, function(name, series)
      if host ~= nil and name ~= host then return end
      -- One point before the part, so that two points are enough for a rate.
      local total, start, stop = increase(series, from - part / 2, from + part)
      if stop ~= nil and stop > start then rate = rate + total * 1000 / (stop - start) end
    end)
    if rate < options.above then return false end
  end
  return true
end

return M
