-- Which hosts may get work. A lost host is out at once; one that comes back has to stay for a while, longer each time it flaps.
--
--   (new) ──▶ alive ──lost──▶ gone ──heard again──▶ returning ──stayed return_ms──▶ alive
--                               ▲                      │
--                               └────────lost──────────┘
local M = {}

local RETURN_MS = 5000
-- Flapping again within this time doubles the wait, up to MAX_WAIT_MS.
local FLAP_WINDOW_MS = 600000
local MAX_WAIT_MS = 300000
local FORGET_MS = 24 * 3600 * 1000

local function heard(input)
  local up = { [input.current_host] = true }
  for _, peer in pairs(input.peers or {}) do up[peer.hostname] = up[peer.hostname] or peer.reachable == true end
  return up
end

local function lost(entry, now)
  local flaps = now - entry.at < FLAP_WINDOW_MS and (entry.flaps or 0) + 1 or 1
  return { alive = false, at = now, flaps = flaps }
end

local function wait_of(entry, options)
  local wait = (options.return_ms or RETURN_MS) * 2 ^ (math.min(entry.flaps or 1, 10) - 1)
  return math.min(wait, MAX_WAIT_MS)
end

-- The next entry of one host, and a sentence when it changed.
local function step(entry, up, now, options)
  if entry == nil then return up and { alive = true, at = now, flaps = 0 } or nil end
  if entry.alive then
    if up then return entry end
    return lost(entry, now), 'is gone'
  end
  if not up then return { alive = false, at = entry.at, flaps = entry.flaps } end
  local since = entry.since or now
  if now - since < wait_of(entry, options) then return { alive = false, at = entry.at, flaps = entry.flaps, since = since } end
  return { alive = true, at = now, flaps = entry.flaps }, 'is back'
end

-- remembered: host → entry of the last schedule. Returns sorted names of usable hosts, the new entries, sentences.
function M.alive(input, remembered, options)
  local up = heard(input)
  local names, entries, sentences = {}, {}, {}
  local known = {}
  for name in pairs(up) do known[name] = true end
  for name in pairs(remembered) do known[name] = true end
  for name in pairs(known) do
    local entry, sentence = step(remembered[name], up[name] == true, input.now, options or {})
    local is_old = entry and not entry.alive and not up[name] and input.now - entry.at > FORGET_MS
    if entry and not is_old then entries[name] = entry end
    if entry and entry.alive then names[#names + 1] = name end
    if sentence then sentences[#sentences + 1] = 'host ' .. name .. ' ' .. sentence end
  end
  if #names == 0 then
    -- Everybody is returning: somebody has to do the work.
    for name, is_up in pairs(up) do if is_up then names[#names + 1] = name end end
  end
  return names, entries, sentences
end

return M
