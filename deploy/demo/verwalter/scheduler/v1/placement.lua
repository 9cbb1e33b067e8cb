-- Who runs what.
local M = {}

-- Splits `count` over `shares` ({host=, weight=}) in proportion to the weights: whole parts first, the rest to the
-- largest remainders, equal ones to the heavier host, then by name. Returns host -> number.
function M.split(count, shares)
  local total = 0
  for _, share in ipairs(shares) do total = total + share.weight end
  local result, rest, left = {}, {}, count
  for _, share in ipairs(shares) do
    local exact = count * share.weight
    local whole = exact // total
    result[share.host] = whole
    left = left - whole
    rest[#rest + 1] = { host = share.host, weight = share.weight, remainder = exact % total }
  end
  table.sort(rest, function(a, b)
    if a.remainder ~= b.remainder then return a.remainder > b.remainder end
    if a.weight ~= b.weight then return a.weight > b.weight end
    return a.host < b.host
  end)
  for i = 1, left do
    local host = rest[i].host
    result[host] = result[host] + 1
  end
  return result
end

local function contains(list, wanted)
  for _, item in ipairs(list) do
    if item == wanted then return true end
  end
  return false
end

-- A service that runs once stays where the previous schedule has it while that host is usable; after a split, where
-- the parents disagree, and when its host is lost, the first usable host of `order` gets it.
function M.single(order, usable, parents, name)
  local current
  for _, parent in ipairs(parents) do
    local state = parent.state or {}
    local place = (state.services or {})[name]
    if place ~= nil and current ~= nil and place ~= current then
      current = nil
      break
    end
    current = place or current
  end
  if current ~= nil and contains(usable, current) then return current end
  for _, host in ipairs(order) do
    if contains(usable, host) then return host end
  end
  return usable[1]
end

return M
