import type { CommandSpec } from '@suite/shared/cli/command.ts';
import * as defaults from '../config/defaults.ts';

/** The command line of the daemon; help, completion and parsing all come from this table. */
export const VERWALTER: CommandSpec = {
  name: 'verwalter',
  summary: 'Elects a leader, runs its scheduler, and renders the schedule on every node',
  examples: [
    [
      'verwalter --host 10.0.0.11 --allow-minority-cluster',
      'one node of a cluster; its peers come from the local cantal',
    ],
    ['verwalter --dry-run --debug-force-leader', 'try a scheduler alone: nothing on this machine is changed'],
  ],
  options: [
    {
      long: 'config-dir',
      argument: 'DIR',
      summary: `Scheduler, templates, runtime, frontends (${defaults.CONFIG_DIR})`,
      complete: 'directory',
    },
    {
      long: 'storage-dir',
      argument: 'DIR',
      summary: `Schedule, its history, the last ballot (${defaults.STORAGE_DIR})`,
      complete: 'directory',
    },
    {
      long: 'log-dir',
      argument: 'DIR',
      summary: `Deployment logs (${defaults.LOG_DIR})`,
      complete: 'directory',
    },
    { long: 'host', argument: 'ADDRESS', summary: `Address to listen on, TCP and UDP (${defaults.HOST})` },
    { long: 'port', argument: 'N', summary: `Port, the same on every node (${defaults.PORT})` },
    { long: 'cantal', argument: 'URL', summary: `The local cantal (${defaults.CANTAL_URL})` },
    {
      long: 'hostname',
      argument: 'NAME',
      summary: 'Key of this node in the schedule (the name of the host)',
    },
    { long: 'name', argument: 'NAME', summary: 'Full name of this node, for links (same as --hostname)' },
    { long: 'override-machine-id', argument: 'HEX', summary: `Instead of ${defaults.MACHINE_ID_FILE}` },
    {
      long: 'allow-minority-cluster',
      summary: 'Count only peers seen lately, so each part of a cut network has a leader',
    },
    {
      long: 'peer-stale-ms',
      argument: 'MS',
      summary: `A peer silent for longer is not counted then (${defaults.PEER_STALE_MS})`,
    },
    { long: 'debug-force-leader', summary: 'Lead without votes; for trying things on one machine' },
    {
      long: 'engine',
      argument: 'NAME',
      choices: ['wasmoon', 'fengari'],
      summary: 'Lua engine of the scheduler (wasmoon)',
    },
    { long: 'dry-run', short: 'n', summary: 'Render, but run no commands' },
    { long: 'default-frontend', argument: 'NAME', summary: `Web UI served at / (${defaults.FRONTEND})` },
    { long: 'ui-dir', argument: 'DIR', summary: 'Where the built web UI lies', complete: 'directory' },
    {
      long: 'log-level',
      argument: 'LEVEL',
      env: 'VERWALTER_LOG',
      choices: ['error', 'warn', 'info', 'debug', 'trace'],
      summary: 'How much to log (info)',
    },
    { long: 'log-json', summary: 'Log lines as JSON' },
    { long: 'log-id', summary: 'Put the machine id on each log line' },
    { long: 'use-sudo', hidden: true, summary: 'Start the renderer with sudo' },
  ],
  footer:
    'Exit codes: 2 bad command line, 3 machine id or address, 4 scheduler cannot be loaded, 81 TCP port, 91 no good scheduler run for 5 minutes.',
};
