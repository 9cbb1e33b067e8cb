-- A scheduler in forty lines: see docs/scheduler.md. policy.new(input) gives an object that collects roles; its schedule() is what the
-- scheduler returns. Everything remembered between runs is in the schedule's own `state`.
local hosts = require 'verwalter/hosts'
local memory = require 'verwalter/memory'
local metrics = require 'verwalter/metrics'
local versions = require 'verwalter/versions'

local Policy = {}
Policy.__index = Policy

local function new(input, options)
  local self = setmetatable({ input = input, now = input.now, roles = {}, nodes = {}, vars = {}, changes = {} }, Policy)
  self.state = { hosts = {}, choices = {}, switches = {}, blacklist = {}, versions = {} }
  local names, entries, sentences = hosts.alive(input, self:remembered('hosts'), options)
  self.hosts, self.state.hosts = names, entries
  for _, sentence in ipairs(sentences) do self:change(sentence) end
  for _, name in ipairs(names) do self.nodes[name] = { roles = {} } end
  return self
end

function Policy:remembered(section) return memory.section(self.input.parents, section) end

-- A line for the log of changes.
function Policy:change(text) self.changes[#self.changes + 1] = text end

local function host_of(address) return address and address:match('^%[?(.-)%]?:%d+$') end

-- Host → IP address, as far as the peers say.
function Policy:addresses()
  local result = {}
  for _, peer in pairs(self.input.peers or {}) do result[peer.hostname] = host_of(peer.addr) end
  local me = self.input.self
  if me then result[self.input.current_host] = host_of(me.addr) end
  return result
end

-- 90 s of two-second scans: enough for "errors for a minute".
local QUERY_POINTS = 45

-- Asks every cantal for the counters with these labels, e.g. p:query('django.requests', {group = 'django', metric = 'requests'});
-- they are in input.metrics from the next run on.
function Policy:query(key, labels)
  local condition
  for label, value in pairs(labels) do
    local equal = { 'Eq', label, value }
    condition = condition and { 'And', condition, equal } or equal
  end
  self.query_metrics = self.query_metrics or { rules = {} }
  self.query_metrics.rules[key] = {
    series = { source = 'Fine', condition = condition }, extract = { 'HistoryByNum', QUERY_POINTS }, functions = verwalter.list {},
  }
end

function Policy:rpm(options) return metrics.rpm(self.input, options) end
function Policy:rate(options) return metrics.rate(self.input, options) end

-- {name, value, above, below = above, hold_ms = 30000}: true once value > above, false again after it was below `below` for hold_ms.
-- Without a value (no metrics) nothing changes.
function Policy:switch(options)
  local entry = self:remembered('switches')[options.name] or { on = false, at = 0 }
  local value, below = options.value, options.below or options.above
  if value ~= nil and not entry.on and value > options.above then
    entry = { on = true, at = self.now }
    self:change(options.name .. ' is on')
  elseif value ~= nil and entry.on then
    if value >= below then entry = { on = true, at = entry.at }
    elseif self.now - (entry.since or self.now) < (options.hold_ms or 30000) then
      entry = { on = true, at = entry.at, since = entry.since or self.now }
    else
      -- With hold_ms = 0 the first low value switches off.
      entry = { on = false, at = self.now }
      self:change(options.name .. ' is off')
    end
  end
  self.state.switches[options.name] = entry
  return entry.on
end

-- {role, name, default, options = {{value, title, kind?, confirm?}…}}: what was chosen last with a button. Draws the buttons of the
-- other values on the role's page.
function Policy:choice(options)
  local key = options.role .. '.' .. options.name
  local entry = self:remembered('choices')[key] or { value = options.default, at = 0 }
  local allowed = {}
  for _, option in ipairs(options.options) do allowed[option.value] = option end
  for _, pressed in ipairs(memory.buttons(self.input.actions, options.role)) do
    local data = pressed.button.data
    local is_ours = pressed.button.action == 'set_' .. options.name and type(data) == 'table' and allowed[data.value]
    if is_ours and pressed.at >= entry.at then
      if data.value ~= entry.value then self:change(key .. ' is set to ' .. tostring(data.value)) end
      entry = { value = data.value, at = pressed.at }
    end
  end
  if not allowed[entry.value] then entry = { value = options.default, at = entry.at } end
  self.state.choices[key] = entry
  local page = self:page(options.role)
  for _, option in ipairs(options.options) do
    if option.value ~= entry.value then
      local button = { id = 'set_' .. options.name, title = option.title or tostring(option.value), data = { value = option.value } }
      button.kind, button.confirm = option.kind, option.confirm
      page.global_actions[#page.global_actions + 1] = button
    end
  end
  return entry.value
end

-- {name, metric, above (errors per second), for_ms = 60000, release_ms = 600000}: set of the hosts that had too many
-- errors for a minute; each is let in again after release_ms.
function Policy:blacklist(options)
  local rule = { metric = options.metric, above = options.above, for_ms = options.for_ms or 60000 }
  local before = self:remembered('blacklist')
  local listed = {}
  for _, host in ipairs(self.hosts) do
    local key = options.name .. '.' .. host
    local entry = before[key]
    if entry and self.now - entry.at >= (options.release_ms or 600000) then
      self:change(options.name .. ': ' .. host .. ' may work again')
    elseif entry then
      self.state.blacklist[key], listed[host] = entry, true
    elseif metrics.sustained(self.input, rule, host) then
      self.state.blacklist[key], listed[host] = { at = self.now }, true
      self:change(options.name .. ': ' .. host .. ' has more than ' .. options.above .. ' errors per second, blacklisted')
    end
  end
  return listed
end

local function first_good(list, bad)
  for _, version in ipairs(list) do
    if not bad[version] then return version end
  end
  return list[1]
end

-- {role, runtime = table with versions as keys, errors = {metric, above, for_ms = 60000}}: the newest version, or the one
-- chosen with a button; when it had too many errors for a minute, the newest one that had not.
function Policy:version(options)
  local list = versions.newest_first(options.runtime)
  local entry = self:remembered('versions')[options.role] or { at = 0, bad = {} }
  local bad = {}
  for _, version in ipairs(list) do
    if (entry.bad or {})[version] then bad[version] = true end
  end
  local running, since, chosen = entry.version, entry.at, entry.chosen
  for _, pressed in ipairs(memory.buttons(self.input.actions, options.role)) do
    local version = pressed.button.version
    local is_known = version and (options.runtime or {})[version] ~= nil
    if is_known and pressed.at > entry.at then chosen, bad[version] = version, nil end
  end
  local rule = options.errors
  local for_ms = rule and rule.for_ms or 60000
  if rule and running and #list > 1 and not bad[running] and self.now - since >= for_ms
    and metrics.sustained(self.input, { metric = rule.metric, above = rule.above, for_ms = for_ms }) then
    bad[running] = true
    self:change(options.role .. ': ' .. running .. ' has more than ' .. rule.above .. ' errors per second, blacklisted')
  end
  if chosen and (bad[chosen] or (options.runtime or {})[chosen] == nil) then chosen = nil end
  local version = chosen or first_good(list, bad)
  if version ~= running then
    since = self.now
    if running then self:change(options.role .. ': ' .. running .. ' -> ' .. tostring(version)) end
  end
  self.state.versions[options.role] = { version = version, chosen = chosen, at = since, bad = bad }
  self:page(options.role).versions = verwalter.list(list)
  return version
end

-- The common part of a role: title, badge, info and further keys may be set on it.
function Policy:page(name)
  if not self.roles[name] then self.roles[name] = { global_actions = verwalter.list {} } end
  return self.roles[name]
end

-- The hosts a role may use, as verwalter.place wants them.
local function candidates(self, role)
  local list = {}
  local only = role.only
  for _, name in ipairs(only or self.hosts) do
    local avoided = (role.avoid or {})[name]
    if self.nodes[name] and not avoided then
      local host = { name = name, weight = role.weights and (role.weights[name] or 0) or 1 }
      host.slots = role.max_per_host
      host.capacity = role.capacity and role.capacity[name]
      list[#list + 1] = host
    end
  end
  return list
end

-- Runs on one host and stays there; a new place is the first living one of `prefer`, then any.
local function singleton(self, role, list)
  local before = memory.counts(self.input.parents, role.name)
  local is_open = {}
  for _, host in ipairs(list) do is_open[host.name] = host.weight > 0 end
  for _, host in ipairs(list) do
    if is_open[host.name] and (before[host.name] or 0) > 0 then return { [host.name] = 1 } end
  end
  for _, name in ipairs(role.prefer or {}) do
    if is_open[name] then return { [name] = 1 } end
  end
  for _, host in ipairs(list) do
    if is_open[host.name] then return { [host.name] = 1 } end
  end
  return {}
end

local function distribute(self, role)
  local list = candidates(self, role)
  if role.pinned then
    local counts = {}
    for name, number in pairs(role.pinned) do
      if self.nodes[name] then counts[name] = number end
    end
    return counts, 0
  end
  if role.singleton then
    local counts = singleton(self, role, list)
    return counts, next(counts) and 0 or 1
  end
  if role.per_host then
    local counts = {}
    for _, host in ipairs(list) do
      if host.weight > 0 then counts[host.name] = role.per_host end
    end
    return counts, 0
  end
  local placed = verwalter.place {
    policy = role.policy or 'spread', hosts = list, count = role.instances, needs = role.needs,
    previous = memory.counts(self.input.parents, role.name), max_moves = role.max_moves or 1,
  }
  return placed.counts, placed.unplaced
end

local function note_changes(self, role, counts)
  local before = memory.counts(self.input.parents, role.name)
  for name in pairs(self.nodes) do
    local old, now = before[name] or 0, counts[name] or 0
    if #(self.input.parents or {}) > 0 and old ~= now then
      self:change(string.format('%s: %d -> %d on %s', role.name, old, now, name))
    end
  end
end

local function copy_into(target, source)
  for key, value in pairs(source or {}) do target[key] = value end
  return target
end

-- {name, one of: instances = N | singleton = true | per_host = N | pinned = {HOST = N};
--  weights = {HOST = share}, only = {HOST…}, prefer = {HOST…}, avoid = {HOST = true}, max_per_host, policy, needs, capacity, max_moves = 1,
--  vars = {template = …}, node_vars = function(host, count) → table, port = first port of a host, title}
-- Returns host → instances. Every living host gets the role, with 0 instances too: that is how an old place learns to stop.
function Policy:role(role)
  local counts, unplaced = distribute(self, role)
  local page = copy_into(self:page(role.name), role.vars)
  local addresses = self:addresses()
  local total, endpoints = 0, verwalter.list {}
  for _, name in ipairs(self.hosts) do
    local count = counts[name] or 0
    local here = { instances = count }
    if role.node_vars then copy_into(here, role.node_vars(name, count)) end
    self.nodes[name].roles[role.name] = here
    total = total + count
    for index = 0, count - 1 do
      endpoints[#endpoints + 1] = { host = name, address = addresses[name], port = role.port and role.port + index }
    end
  end
  page.title, page.badge = role.title or page.title, tostring(total)
  page.endpoints = endpoints
  if unplaced > 0 then page.info = { ['not placed'] = unplaced } end
  note_changes(self, role, counts)
  return counts
end

-- The schedule. When nothing changed the lines of the last change are kept: a list that became empty would be a new schedule.
function Policy:schedule()
  local changes = verwalter.list(self.changes)
  local parents = self.input.parents or {}
  if #changes == 0 and #parents == 1 and type(parents[1].changes) == 'table' then
    for _, line in ipairs(parents[1].changes) do changes[#changes + 1] = line end
  end
  return {
    vars = self.vars, roles = self.roles, nodes = self.nodes, state = self.state, changes = changes,
    query_metrics = self.query_metrics,
  }
end

return { new = new }
