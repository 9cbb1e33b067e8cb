import type { CommandSpec } from '@suite/shared/cli/command.ts';

export const COMMAND: CommandSpec = {
  name: 'cantal',
  summary: 'Measures this host every 2 s, keeps an hour in memory, finds its peers.',
  examples: [
    ['cantal', 'measure and answer on 127.0.0.1:22682'],
    ['cantal --host 10.0.0.7 --cluster-name web --seed 10.0.0.8:22682', 'join the cluster "web"'],
    ['cantal print 4711', 'show the metrics that process 4711 publishes'],
  ],
  options: [
    { long: 'host', short: 'h', argument: 'IP', summary: 'Address of HTTP and gossip (127.0.0.1)' },
    { long: 'port', short: 'p', argument: 'PORT', summary: 'TCP and UDP port (22682)' },
    { long: 'bind-localhost', summary: 'Listen for HTTP on 127.0.0.1 too' },
    { long: 'node-name', short: 'n', argument: 'NAME', summary: 'Name shown to peers (host name)' },
    { long: 'cluster-name', argument: 'NAME', summary: 'Cluster to gossip with; without it no gossip' },
    { long: 'seed', argument: 'IP:PORT', repeat: true, summary: 'A peer to ask for others, tried for ever' },
    { long: 'interval', short: 'i', argument: 'MS', summary: 'Time from scan to scan (2000)' },
    { long: 'keep-history', argument: 'TIME', summary: 'How long to remember, e.g. "2h 5m" (1 hour)' },
    {
      long: 'storage-dir',
      short: 'd',
      argument: 'DIR',
      summary: 'Where the list of peers survives a restart',
      complete: 'directory',
    },
    { long: 'override-machine-id', argument: 'HEX', summary: 'Host id instead of /etc/machine-id' },
    { long: 'cgroup-base', argument: 'PATH', summary: 'Name cgroups relative to this one (that of PID 1)' },
    {
      long: 'config-dir',
      short: 'c',
      argument: 'DIR',
      summary: 'Not available yet: carbon export',
      hidden: true,
    },
  ],
  positionals: [],
  commands: [
    {
      name: 'print',
      summary: 'Show application metrics of processes or files, without a daemon',
      options: [],
      positionals: [
        { name: 'FILE_OR_PID', summary: 'a .values file or a process id', repeat: true, complete: 'file' },
      ],
    },
  ],
  footer: 'CANTAL_LOG=debug says more on stderr. Endpoints: docs/http.md',
};
