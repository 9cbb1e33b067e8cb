// lithos_tree from its first instruction to its exit code.
import { existsSync } from 'node:fs';
import { createLogger, type Logger } from '@suite/shared/cli/log.ts';
import { realClock, realDisk } from '@suite/shared/ports/real.ts';
import { claimPidFile } from '../adapters/pid-file.ts';
import { Fatal } from './fatal.ts';
import { isMachine, leaveMachine } from './machine.ts';
import { mustNotEnd, outliveBugs, takeCharge, tryAgain } from './replace.ts';
import { listenSignals, type SignalQueue } from './signals.ts';
import {
  chooseRuntime,
  driveRuntime,
  leaveRoomFor,
  makeDirectories,
  openLog,
  readMaster,
  requireProgram,
  type TreeOptions,
} from './surroundings.ts';
import { Tree } from './tree.ts';

async function start(options: TreeOptions, signals: SignalQueue): Promise<number> {
  if (process.getuid?.() !== 0) throw new Fatal('lithos_tree must run as root');
  const master = await readMaster(options.config);
  makeDirectories(master.paths);
  const treeLog = openLog(options, master);
  const log = treeLog.logger;
  const leave = async () => {
    if (isMachine()) await leaveMachine(signals.power(), log, () => treeLog.reopen());
  };
  outliveBugs(log, () => signals.isWaiting('stop'), leave);
  try {
    for (const warning of master.warnings)
      log.warn(`${warning.file}:${warning.line}:${warning.column}: ${warning.message}`);
    requireProgram('conmon');
    const init = requireProgram('catatonit');
    leaveRoomFor(master, log);
    const runtime = await driveRuntime(master, await chooseRuntime(master, log), log);
    const other = await claimPidFile(realDisk, master.paths.pidFile, process.pid);
    if (other !== undefined) throw new Fatal(`another lithos_tree runs with this runtime-dir: pid ${other}`);
    log.warn('started', {
      pid: process.pid,
      version: options.version,
      runtime: runtime.choice.kind,
      reasons: runtime.choice.reasons,
    });
    takeCharge();
    const code = await new Tree({ options, log, treeLog, master, runtime, init }).run(signals);
    await leave();
    return code;
  } catch (error) {
    log.error(`fatal: ${(error as Error).message}`);
    throw error;
  }
}

function stderrLog(): Logger {
  const write = (line: string) => process.stderr.write(line);
  return createLogger({ write, wallMs: () => realClock.wallMs(), unit: 'lithos_tree' });
}

/** Never rejects for an operator's mistake: it is printed and becomes the exit code. */
export async function runTree(options: TreeOptions): Promise<number> {
  // First of all: a signal that comes while we start must wait for us, not end us.
  const signals = listenSignals();
  const say = (message: string) => process.stderr.write(`Fatal error: ${message}\n`);
  if (isMachine() && !existsSync('/proc/self/mounts'))
    say('PID 1 needs /proc: start it through deploy/pid1/init.sh');
  try {
    return await start(options, signals);
  } catch (error) {
    say((error as Error).message);
    if (mustNotEnd()) await tryAgain(say, () => signals.isWaiting('stop'));
    // Asked to stop while it could not even start.
    if (isMachine()) await leaveMachine(signals.power(), stderrLog(), () => undefined);
    return error instanceof Fatal ? error.exitCode : 1;
  }
}
