// What a supervised run says about its processes (§1.10 of the format, and lines of ours in the same manner).

const NAMES: Readonly<Record<number, string>> = {
  1: 'SIGHUP',
  2: 'SIGINT',
  3: 'SIGQUIT',
  4: 'SIGILL',
  5: 'SIGTRAP',
  6: 'SIGABRT',
  7: 'SIGBUS',
  8: 'SIGFPE',
  9: 'SIGKILL',
  10: 'SIGUSR1',
  11: 'SIGSEGV',
  12: 'SIGUSR2',
  13: 'SIGPIPE',
  14: 'SIGALRM',
  15: 'SIGTERM',
};

const framed = (text: string): string => `---------- ${text} -----------`;

/** The engine reports a signal as 128 + number. */
function status(code: number): string {
  const name = code > 128 ? NAMES[code - 128] : undefined;
  if (name !== undefined) return `killed by signal ${name}[${code - 128}]`;
  return `exited with code ${code > 127 ? code - 256 : code}`;
}

/** `NAME:PID exited with code 1`. */
export function endText(name: string, pid: number, code: number): string {
  return `${name}:${pid} ${status(code)}`;
}

export function shuttingDown(what: string): string {
  return framed(`Process ${what}. Shutting down`);
}

export function startingAgain(what: string, delayMs: number, restarts: number, maxRestarts: number): string {
  const count = maxRestarts === 0 ? '' : ` (${restarts} of ${maxRestarts})`;
  return framed(`Process ${what}. Starting again in ${delayMs / 1000} s${count}`);
}

const quoted = (names: readonly string[]): string =>
  `[${names.map(name => JSON.stringify(name)).join(', ')}]`;

export function killing(names: readonly string[], seconds: number): string[] {
  return [
    framed(`Processes ${quoted(names)} are still alive. Killing ...`),
    framed(`(they had ${seconds} s: kill-unresponsive-after)`),
  ];
}

export function received(signal: string): string {
  const gap = signal === 'SIGTERM' ? '  ' : ' ';
  return `Received ${signal} signal.${gap}Waiting the processes to stop...`;
}

export function stillWaiting(names: readonly string[], later: readonly string[]): string {
  const then = later.length === 0 ? '' : `, then ${later.join(', ')}`;
  return `Still waiting for ${names.join(', ')}${then}. Once more kills at once.`;
}
