// The terminal that we were started on: whose turn it is, and its settings.
import {
  type SpawnSyncOptionsWithStringEncoding,
  type SpawnSyncReturns,
  type StdioOptions,
  spawnSync,
} from 'node:child_process';
import { readFileSync } from 'node:fs';
import { isatty } from 'node:tty';

/** proc(5): the fields behind the name are state, ppid, pgrp, session, tty_nr, tpgid. */
const PGRP = 2;
const TPGID = 5;

/** Started with `&`, or put there: another group of processes has the terminal. */
export function isInBackground(): boolean {
  const text = readFileSync('/proc/self/stat', 'latin1');
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return Number(fields[TPGID]) > 0 && fields[TPGID] !== fields[PGRP];
}

/** Interactive only when the user sees the output and can type: pipes stay pipes. */
export function wantsTerminal(): boolean {
  return isatty(0) && isatty(1) && !isInBackground();
}

/** What a program may read: nothing when somebody else is typing. */
export function inputOf(): 'inherit' | 'ignore' {
  return isatty(0) && isInBackground() ? 'ignore' : 'inherit';
}

/**
 * In a session of its own no key of the terminal reaches it: Ctrl-Z in these milliseconds is for us, and a stopped stty would be
 * waited for without end. Node's types do not know that spawnSync takes `detached`, too.
 */
function stty(words: readonly string[], stdio: StdioOptions): SpawnSyncReturns<string> {
  const options: SpawnSyncOptionsWithStringEncoding & { detached: boolean } = {
    stdio,
    encoding: 'utf8',
    detached: true,
  };
  return spawnSync('stty', words, options);
}

/** All settings of the terminal on stdin in a form that `restoreTerminal` takes; undefined: they cannot be told. */
export function terminalSettings(): string | undefined {
  const { status, stdout } = stty(['-g'], ['inherit', 'pipe', 'ignore']);
  return status === 0 ? stdout.trim() : undefined;
}

export function restoreTerminal(settings: string | undefined): void {
  if (settings !== undefined) stty([settings], ['inherit', 'ignore', 'ignore']);
}

/** `pid`: of a process whose input is the terminal; its programs are told by the kernel. */
export function resizeTerminal(pid: number, { width, height }: { width: number; height: number }): void {
  stty(['-F', `/proc/${pid}/fd/0`, 'rows', String(height), 'cols', String(width)], 'ignore');
}
