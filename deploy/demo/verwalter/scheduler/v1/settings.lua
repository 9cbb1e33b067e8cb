-- What people decided with buttons. Each setting carries the time of its button press: after a split the newest wins.
local M = {}

local DEFAULTS = {
  version = { value = 'v1', at = 0 },
  celery = { value = 'running', at = 0 },
  drained = { value = {}, at = 0 },
}

local function merged(parents)
  local result = {}
  for name, default in pairs(DEFAULTS) do
    result[name] = default
    for _, parent in ipairs(parents) do
      local setting = ((parent.state or {}).settings or {})[name]
      if setting ~= nil and setting.at > result[name].at then result[name] = setting end
    end
  end
  return result
end

local function with(set, key, present)
  local copy = {}
  for name in pairs(set) do copy[name] = true end
  copy[key] = present or nil
  return copy
end

local function press(result, button, at)
  local function set(name, value) result[name] = { value = value, at = at } end
  if button.action == 'pause_celery' then set('celery', 'paused') end
  if button.action == 'resume_celery' then set('celery', 'running') end
  if button.action == 'switch_page' then set('version', result.version.value == 'v1' and 'v2' or 'v1') end
  local host = type(button.data) == 'table' and button.data.host
  if not host then return end
  if button.action == 'drain_host' then set('drained', with(result.drained.value, host, true)) end
  if button.action == 'use_host' then set('drained', with(result.drained.value, host, false)) end
end

-- Settings of all parents, then the buttons pressed since, oldest first.
function M.merge(parents, actions)
  local result = merged(parents)
  local ids = {}
  for id in pairs(actions) do ids[#ids + 1] = tonumber(id) end
  table.sort(ids)
  for _, id in ipairs(ids) do
    local action = actions[string.format('%d', id)]
    if type(action) == 'table' and type(action.button) == 'table' then press(result, action.button, id) end
  end
  return result
end

-- The busiest mode any parent was in: after a split nobody takes workers away too early.
function M.last_mode(parents)
  for _, parent in ipairs(parents) do
    if (parent.state or {}).mode == 'busy' then return 'busy' end
  end
  return 'calm'
end

-- A new page version reaches one host per run, so that the others serve while its workers restart.
function M.roll_out(wanted, hosts, parents)
  local before = ((parents[1] or {}).state or {}).versions or {}
  local result, moved = {}, false
  for _, host in ipairs(hosts) do
    local version = before[host] or wanted
    if version ~= wanted and not moved then
      version, moved = wanted, true
    end
    result[host] = version
  end
  return result
end

return M
