// The terminal that we were started on: whose turn it is.
import { readFileSync } from 'node:fs';
import { isTerminal } from '@suite/shared/linux/terminal.ts';

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
  return isTerminal(0) && isTerminal(1) && !isInBackground();
}

/** What a program may read: nothing when somebody else is typing. */
export function inputOf(): 'inherit' | 'ignore' {
  return isTerminal(0) && isInBackground() ? 'ignore' : 'inherit';
}
