import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { exited, type Fleet } from './fleet.ts';
import { parent, pids } from './processes.ts';
import { program, Words } from './words.ts';

// Supervisors of plain processes: no container, so they show what a fork and an exec cost alone.

interface Kind {
  readonly tag: string;
  readonly argv: (directory: string) => readonly string[];
  readonly write: (directory: string, count: number, command: string) => void;
  readonly stopSignal: NodeJS.Signals;
  /** A process per service stands beside its program; otherwise the supervisor's children are the programs. */
  readonly beside: boolean;
}

/** One directory with a script `run` per service. */
function writeServices(tag: string): Kind['write'] {
  return (directory, count, command) => {
    rmSync(join(directory, 'services'), { recursive: true, force: true });
    for (let index = 0; index < count; index++) {
      const service = join(directory, 'services', `app${index}`);
      mkdirSync(service, { recursive: true });
      const script = `#!/bin/busybox sh\nexport BENCH=${tag}\n${command}\n`;
      writeFileSync(join(service, 'run'), script, { mode: 0o755 });
    }
  };
}

function writeSupervisord(directory: string, count: number, command: string): void {
  const lines = [
    '[supervisord]',
    'nodaemon=true',
    `logfile=${join(directory, 'log')}`,
    `pidfile=${join(directory, 'pid')}`,
    'user=root',
    '[program:app]',
    `command=/bin/busybox sh -c "${command}"`,
    'environment=BENCH="supervisord"',
    `numprocs=${count}`,
    'process_name=app%(process_num)d',
    'autorestart=true',
    'startsecs=0',
    'stdout_logfile=NONE',
    'stderr_logfile=NONE',
  ];
  writeFileSync(join(directory, 'supervisord.conf'), `${lines.join('\n')}\n`);
}

const KINDS: readonly Kind[] = [
  {
    tag: 'supervisord',
    argv: directory => ['supervisord', '-c', join(directory, 'supervisord.conf')],
    write: writeSupervisord,
    stopSignal: 'SIGTERM',
    beside: false,
  },
  {
    tag: 's6',
    argv: directory => ['s6-svscan', join(directory, 'services')],
    write: writeServices('s6'),
    stopSignal: 'SIGTERM',
    beside: true,
  },
  {
    tag: 'runit',
    argv: directory => ['runsvdir', join(directory, 'services')],
    write: writeServices('runit'),
    stopSignal: 'SIGHUP',
    beside: true,
  },
];

function fleet({ tag, argv, write, stopSignal, beside }: Kind, directory: string): Fleet {
  const words = new Words(join(directory, 'out'));
  let child: ChildProcess | undefined;
  return {
    tag,
    name: `${tag} (no sandbox)`,
    role: 'peer',
    words,
    prepare: count => write(directory, count, program(words.directory)),
    start() {
      const [name = '', ...args] = argv(directory);
      child = spawn(name, args, { stdio: 'ignore' });
    },
    pid: () => child?.pid,
    helpers: () => (beside ? pids().filter(pid => parent(pid) === child?.pid) : []),
    async stop() {
      if (child === undefined) return;
      const helpers = this.helpers();
      child.kill(stopSignal);
      await exited(child);
      // runsvdir has told them already, s6-svscan waits for its own.
      for (const pid of helpers) end(pid);
    },
  };
}

function end(pid: number): void {
  try {
    process.kill(pid, 'SIGTERM');
  } catch {
    // It has ended.
  }
}

export function unsandboxed(directory: string): Fleet[] {
  return KINDS.map(kind => {
    const place = join(directory, kind.tag);
    mkdirSync(place, { recursive: true });
    return fleet(kind, place);
  });
}
