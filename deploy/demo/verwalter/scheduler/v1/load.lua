-- How busy the cluster is: requests per minute of all workers, from the counters they publish through cantal.
local M = {}

local KEY = 'django.requests'

-- Asked of the cantal of every host: requests per second of its workers together, over the last five scans (10 s).
M.query = {
  rules = {
    [KEY] = {
      series = {
        source = 'Fine',
        condition = { 'And', { 'Eq', 'group', 'django' }, { 'Eq', 'metric', 'requests' } },
      },
      extract = { 'HistoryByNum', 6 },
      functions = { { 'NonNegativeDerivative' }, { 'Sum', 'Ignore' } },
    },
  },
}

local function mean(values)
  local sum, count = 0, 0
  for _, value in ipairs(values) do
    sum = sum + value
    count = count + 1
  end
  return count == 0 and 0 or sum / count
end

-- Requests per minute.
function M.rpm(input)
  local total = 0
  for _, series in pairs(input.metrics) do
    local answer = series[KEY]
    for _, item in ipairs(answer and answer.items or {}) do total = total + mean(item.values) end
  end
  return total * 60
end

-- `busy` above limits.busy_rpm, `calm` below limits.calm_rpm, between them as before: no flapping at the border.
function M.mode(input, limits, before)
  local rpm = M.rpm(input)
  print(string.format('%d requests per minute', math.floor(rpm)))
  if rpm > limits.busy_rpm then return 'busy' end
  if rpm < limits.calm_rpm then return 'calm' end
  return before
end

return M
