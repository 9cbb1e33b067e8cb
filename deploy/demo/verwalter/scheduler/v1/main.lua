-- The scheduler of the demo: metrics, peers, buttons and the previous schedule in, the next schedule out.
-- It is a plain function of its input: run it twice on the same input and it gives the same schedule.
local placement = require 'placement'
local settings = require 'settings'
local load = require 'load'
local roles = require 'roles'

local function alive_hosts(input, cluster, drained)
  local alive, names = {}, {}
  local function add(name)
    if cluster.hosts[name] and not alive[name] then
      alive[name] = true
      names[#names + 1] = name
    end
  end
  add(input.current_host)
  for _, peer in pairs(input.peers) do
    if peer.reachable then add(peer.hostname) end
  end
  table.sort(names)
  -- Work goes to hosts that are not being drained; when all are, somebody still has to do it.
  local usable = {}
  for _, name in ipairs(names) do
    if not drained[name] then usable[#usable + 1] = name end
  end
  if #usable == 0 then usable = names end
  return names, usable
end

local function weights(cluster, hosts)
  local result = {}
  for _, name in ipairs(hosts) do
    result[#result + 1] = { host = name, weight = cluster.hosts[name].weight }
  end
  return result
end

local function place_services(cluster, usable, parents)
  local places = {}
  for name, order in pairs(cluster.services) do
    places[name] = placement.single(order, usable, parents, name)
  end
  return places
end

local function scheduler(input)
  local cluster = input.runtime.cluster
  local images = input.runtime.images
  local wanted = settings.merge(input.parents, input.actions)
  local names, usable = alive_hosts(input, cluster, wanted.drained.value)
  local mode = load.mode(input, cluster.load, settings.last_mode(input.parents))
  local size = cluster.sizes[mode]
  local shares = weights(cluster, usable)
  local plan = {
    cluster = cluster,
    images = images,
    names = names,
    mode = mode,
    wanted = wanted,
    django = placement.split(size.django, shares),
    celery = placement.split(wanted.celery.value == 'paused' and 0 or size.celery, shares),
    services = place_services(cluster, usable, input.parents),
    versions = settings.roll_out(wanted.version.value, names, input.parents),
  }
  return {
    vars = { network = cluster.network },
    roles = roles.descriptions(plan),
    nodes = roles.nodes(plan),
    state = {
      mode = mode,
      services = plan.services,
      versions = plan.versions,
      settings = wanted,
    },
    query_metrics = load.query,
    changes = roles.changes(plan, input.parents),
  }
end

return { scheduler = scheduler }
