-- Order of version names: v1 < v1.0 < v1.1 < v2.3 < v2.15 < v10.0.
local M = {}

local function parts(version)
  local list = {}
  for word in version:gsub('^v', ''):gmatch('%w+') do list[#list + 1] = word end
  return list
end

-- Strictly less. Runs of letters and digits are compared one by one: numbers by value, words by bytes, a word before a number.
function M.less(a, b)
  local left, right = parts(a), parts(b)
  for i = 1, math.max(#left, #right) do
    local one, two = left[i], right[i]
    if one == nil or two == nil then return one == nil and two ~= nil end
    local n1, n2 = tonumber(one), tonumber(two)
    if n1 and n2 then
      if n1 ~= n2 then return n1 < n2 end
    elseif n1 or n2 then return n2 ~= nil
    elseif one ~= two then return one < two end
  end
  return false
end

-- Version names among the keys of a runtime table, newest first. A version is any key that starts with v and a digit.
function M.newest_first(runtime)
  local list = {}
  for key in pairs(runtime or {}) do
    if type(key) == 'string' and key:match('^v%d') then list[#list + 1] = key end
  end
  table.sort(list, function(a, b) return M.less(b, a) end)
  return list
end

return M
