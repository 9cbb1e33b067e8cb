// Several processes as one command. Pure: events in, effects out.
//
//                 a child ends (stop-on-failure: any; wait-all-successful: badly), INT, QUIT, TERM
//     running ──────────────────────────────────────────────────────────────────────▶ stopping
//        │                                                                              │   │ time is up, or a second signal
//        │ the last one has ended                                the last one has ended │   ▼
//        └───────────────▶ ended ◀────────────────────────────────────────────────────────┘  killing ──▶ ended

export interface SuperviseOptions {
  readonly mode: 'stop-on-failure' | 'wait-all-successful';
  readonly killUnresponsiveAfterS: number;
}

interface Alive {
  /** Names in the order they were started. */
  readonly alive: readonly string[];
}

export type SuperviseState =
  | ({ readonly kind: 'running' } & Alive)
  | ({ readonly kind: 'stopping'; readonly code: number } & Alive)
  | ({ readonly kind: 'killing'; readonly code: number } & Alive)
  | { readonly kind: 'ended'; readonly code: number };

export type SuperviseEvent =
  /** `signal` is the name and number of what ended it, e.g. SIGTERM and 15. */
  | { readonly kind: 'exited'; readonly name: string; readonly pid: number; readonly code: number }
  | { readonly kind: 'not-started'; readonly name: string; readonly reason: string }
  | { readonly kind: 'signal'; readonly signal: 'SIGINT' | 'SIGQUIT' | 'SIGTERM' | 'SIGHUP' }
  | { readonly kind: 'time-is-up' };

export type SuperviseEffect =
  | { readonly kind: 'say'; readonly to: 'stdout' | 'stderr'; readonly text: string }
  | { readonly kind: 'send'; readonly signal: string; readonly names: readonly string[] }
  | { readonly kind: 'kill'; readonly names: readonly string[] }
  | { readonly kind: 'start-timer'; readonly seconds: number };

export interface SuperviseStep {
  readonly state: SuperviseState;
  readonly effects: readonly SuperviseEffect[];
}

const NUMBERS = { SIGHUP: 1, SIGINT: 2, SIGQUIT: 3, SIGTERM: 15 } as const;
const NAMES: Readonly<Record<number, string>> = {
  1: 'SIGHUP',
  2: 'SIGINT',
  3: 'SIGQUIT',
  6: 'SIGABRT',
  9: 'SIGKILL',
  11: 'SIGSEGV',
  13: 'SIGPIPE',
  15: 'SIGTERM',
};

/** The engine reports a signal as 128 + number. */
function status(code: number): string {
  const name = code > 128 ? NAMES[code - 128] : undefined;
  if (name !== undefined) return `killed by signal ${name}[${code - 128}]`;
  return `exited with code ${code > 127 ? code - 256 : code}`;
}

const say = (to: 'stdout' | 'stderr', text: string): SuperviseEffect => ({ kind: 'say', to, text });

function stop(
  alive: readonly string[],
  code: number,
  signal: string,
  text: SuperviseEffect,
  options: SuperviseOptions,
): SuperviseStep {
  if (alive.length === 0) return { state: { kind: 'ended', code }, effects: [text] };
  const seconds = options.killUnresponsiveAfterS;
  return {
    state: { kind: 'stopping', alive, code },
    effects: [text, { kind: 'send', signal, names: alive }, { kind: 'start-timer', seconds }],
  };
}

function without(state: Alive, name: string): readonly string[] {
  return state.alive.filter(item => item !== name);
}

function ended(
  state: Exclude<SuperviseState, { kind: 'ended' }>,
  name: string,
  text: string,
  code: number,
  options: SuperviseOptions,
): SuperviseStep {
  const alive = without(state, name);
  if (state.kind !== 'running') {
    if (alive.length === 0) return { state: { kind: 'ended', code: state.code }, effects: [] };
    return { state: { ...state, alive }, effects: [] };
  }
  if (options.mode === 'wait-all-successful' && code === 0) {
    return {
      state: alive.length === 0 ? { kind: 'ended', code: 0 } : { kind: 'running', alive },
      effects: [],
    };
  }
  return stop(
    alive,
    code,
    'SIGTERM',
    say('stdout', `---------- Process ${text}. Shutting down -----------`),
    options,
  );
}

function kill(state: Alive, code: number, options: SuperviseOptions): SuperviseStep {
  const { alive } = state;
  const names = `[${alive.map(name => JSON.stringify(name)).join(', ')}]`;
  const lines = [
    `---------- Processes ${names} are still alive. Killing ... -----------`,
    `---------- (they had ${options.killUnresponsiveAfterS} s: kill-unresponsive-after) -----------`,
  ];
  return {
    state: { kind: 'killing', alive, code },
    effects: [...lines.map(line => say('stdout', line)), { kind: 'kill', names: alive }],
  };
}

function signalled(
  state: Exclude<SuperviseState, { kind: 'ended' }>,
  signal: keyof typeof NUMBERS,
  options: SuperviseOptions,
): SuperviseStep {
  // The second one means: now.
  if (state.kind === 'stopping') return kill(state, state.code, options);
  if (state.kind === 'killing') return { state, effects: [{ kind: 'kill', names: state.alive }] };
  const gap = signal === 'SIGTERM' ? '  ' : ' ';
  const text = say('stderr', `Received ${signal} signal.${gap}Waiting the processes to stop...`);
  return stop(state.alive, 128 + NUMBERS[signal], signal, text, options);
}

export function superviseStart(names: readonly string[]): SuperviseState {
  return { kind: 'running', alive: names };
}

export function superviseStep(
  state: SuperviseState,
  event: SuperviseEvent,
  options: SuperviseOptions,
): SuperviseStep {
  if (state.kind === 'ended') return { state, effects: [] };
  switch (event.kind) {
    case 'exited':
      return ended(
        state,
        event.name,
        `${event.name}:${event.pid} ${status(event.code)}`,
        event.code,
        options,
      );
    case 'not-started':
      return ended(state, event.name, `${event.name} could not be run: ${event.reason}`, 127, options);
    case 'signal':
      return signalled(state, event.signal, options);
    case 'time-is-up':
      return state.kind === 'stopping' ? kill(state, state.code, options) : { state, effects: [] };
  }
}
