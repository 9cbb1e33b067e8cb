-- What a scheduler knows from its former schedules. Every entry has `at`, the time it was decided (ms); when several parents meet after an
-- election, the newest decision wins.
local M = {}

-- parents → key → entry of state[section].
function M.section(parents, section)
  local merged = {}
  for _, parent in ipairs(parents or {}) do
    local entries = type(parent.state) == 'table' and parent.state[section] or {}
    for key, entry in pairs(entries) do
      if merged[key] == nil or (entry.at or 0) > (merged[key].at or 0) then merged[key] = entry end
    end
  end
  return merged
end

-- Instances of a role per host in the former schedules: of each host the largest number, because both sides of a
-- healed split really run theirs.
function M.counts(parents, role)
  local counts = {}
  for _, parent in ipairs(parents or {}) do
    for host, node in pairs(parent.nodes or {}) do
      local here = node.roles and node.roles[role]
      local number = here and tonumber(here.instances) or 0
      if number > (counts[host] or 0) then counts[host] = math.tointeger(number) or 0 end
    end
  end
  return counts
end

-- Buttons pressed for a role, oldest first: {at, button}.
function M.buttons(actions, role)
  local list = {}
  for id, action in pairs(actions or {}) do
    local button = type(action) == 'table' and action.button
    if type(button) == 'table' and button.role == role and tonumber(id) then
      list[#list + 1] = { at = tonumber(id), button = button }
    end
  end
  table.sort(list, function(a, b) return a.at < b.at end)
  return list
end

return M
