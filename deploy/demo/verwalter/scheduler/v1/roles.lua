-- Turns the plan into what verwalter renders on each host, and into what its page shows.
local M = {}

local FIRST_PORT = 8001
local SERVICES = { 'nginx', 'postgres', 'redis' }

local function daemon(image, config, instances, variables)
  return { key = config, image = image .. '/root', config = config, instances = instances, variables = variables }
end

local function addresses(plan)
  local result = {}
  for name, host in pairs(plan.services) do result[name] = plan.cluster.hosts[host].address end
  return result
end

-- `address:port` of every web worker of the cluster.
local function upstreams(plan)
  local list = verwalter.list {}
  for _, name in ipairs(plan.names) do
    for index = 0, (plan.django[name] or 0) - 1 do
      list[#list + 1] = plan.cluster.hosts[name].address .. ':' .. string.format('%d', FIRST_PORT + index)
    end
  end
  return list
end

local function service_daemons(plan, host, service, address)
  local here = plan.services[service] == host and 1 or 0
  local variables = { address = address }
  if service == 'postgres' then variables.subnet = plan.cluster.network end
  if service == 'nginx' then variables = {} end
  return { server = daemon(plan.images[service], '/config/server.yaml', here, variables) }
end

local function node(plan, host)
  local address = plan.cluster.hosts[host].address
  local result = {
    django = {
      daemons = {
        worker = daemon(plan.images.django, '/config/worker.yaml', plan.django[host] or 0, {
          host = host, address = address, version = plan.versions[host],
        }),
      },
    },
    celery = {
      daemons = { worker = daemon(plan.images.django, '/config/celery.yaml', plan.celery[host] or 0, { host = host }) },
    },
  }
  -- A service that is elsewhere keeps its role here with 0 instances: that is how its old place is told to stop.
  for _, service in ipairs(SERVICES) do
    result[service] = { daemons = service_daemons(plan, host, service, address) }
  end
  return result
end

function M.nodes(plan)
  local result = {}
  for _, host in ipairs(plan.names) do
    local address = plan.cluster.hosts[host].address
    result[host] = { vars = { address = address }, roles = node(plan, host) }
  end
  return result
end

local function count(numbers)
  local total = 0
  for _, number in pairs(numbers) do total = total + number end
  return string.format('%d', total)
end

local function spread(plan, numbers)
  local words = {}
  for _, name in ipairs(plan.names) do words[#words + 1] = string.format('%s %d', name, numbers[name] or 0) end
  return table.concat(words, ' · ')
end

local function host_buttons(plan)
  local buttons = verwalter.list {}
  for _, name in ipairs(plan.names) do
    local drained = plan.wanted.drained.value[name]
    buttons[#buttons + 1] = {
      id = drained and 'use_host' or 'drain_host',
      title = (drained and 'Use ' or 'Drain ') .. name .. (drained and ' again' or ''),
      kind = drained and 'success' or 'warning',
      data = { host = name },
    }
  end
  return buttons
end

function M.descriptions(plan)
  local paused = plan.wanted.celery.value == 'paused'
  return {
    django = {
      template = 'django/v1',
      title = 'Web workers',
      badge = count(plan.django),
      info = spread(plan, plan.django) .. ' (' .. plan.mode .. ')',
      services = addresses(plan),
      global_actions = {
        { id = 'switch_page', title = plan.wanted.version.value == 'v1' and 'Switch page to v2' or 'Switch page back to v1', kind = 'primary' },
        table.unpack(host_buttons(plan)),
      },
    },
    celery = {
      template = 'service/v1',
      title = 'Task workers',
      badge = count(plan.celery),
      info = paused and 'paused' or spread(plan, plan.celery),
      global_actions = {
        paused and { id = 'resume_celery', title = 'Resume Celery', kind = 'success' }
          or { id = 'pause_celery', title = 'Pause Celery', kind = 'warning' },
      },
    },
    nginx = { template = 'nginx/v1', title = 'Load balancer', badge = '1', info = plan.services.nginx, upstreams = upstreams(plan) },
    postgres = { template = 'service/v1', title = 'Database', badge = '1', info = plan.services.postgres },
    redis = { template = 'service/v1', title = 'Task queue', badge = '1', info = plan.services.redis },
  }
end

-- Sentences for the log of changes.
function M.changes(plan, parents)
  local result = verwalter.list {}
  local before = parents[1] and parents[1].state
  if before == nil then return result end
  if before.mode ~= plan.mode then result[#result + 1] = 'load is now ' .. plan.mode end
  for service, host in pairs(plan.services) do
    local old = (before.services or {})[service]
    if old ~= nil and old ~= host then result[#result + 1] = service .. ' moves from ' .. old .. ' to ' .. host end
  end
  return result
end

return M
