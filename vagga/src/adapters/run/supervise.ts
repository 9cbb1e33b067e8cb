// Carries out what the supervise machine decides, with real containers and terminals.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { constants } from 'node:os';
import { dirname } from 'node:path';
import type { Readable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import type { ColourName, Colours } from '@suite/shared/cli/colours.ts';
import {
  type SuperviseEffect,
  type SuperviseEvent,
  type SuperviseOptions,
  superviseStart,
  superviseStep,
} from '../../core/supervise/machine.ts';
import { engineCommand } from '../oci/engine.ts';
import { sweepAbandoned } from '../oci/running.ts';
import type { Prepared } from './prepare.ts';

export interface SupervisedChild {
  readonly name: string;
  readonly prepared: Prepared;
}

export interface SuperviseDisplay {
  readonly colours: Colours;
  readonly logPrefix: boolean;
}

/** By name order, so that a process keeps its colour from run to run. */
const PREFIX_COLOURS: readonly ColourName[] = ['cyan', 'yellow', 'green', 'magenta', 'blue', 'red'];
const LINE_CHARACTERS_MAX = 64 * 1024;

function forwardLines(source: Readable | null, target: NodeJS.WriteStream, prefix: string): void {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  source?.on('data', (chunk: Buffer) => {
    const lines = (rest + decoder.write(chunk)).split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > LINE_CHARACTERS_MAX) lines.push(rest.slice(0, LINE_CHARACTERS_MAX));
    if (rest.length > LINE_CHARACTERS_MAX) rest = rest.slice(LINE_CHARACTERS_MAX);
    if (lines.length > 0) target.write(`${lines.map(line => prefix + line).join('\n')}\n`);
  });
  source?.on('end', () => {
    if (rest !== '') target.write(`${prefix}${rest}\n`);
  });
}

const SIGNALS = ['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGTERM'] as const;

class Supervisor {
  readonly #options: SuperviseOptions;
  readonly #processes = new Map<string, { readonly child: ChildProcess; readonly prepared: Prepared }>();
  readonly #finish: (code: number) => void;
  #state: ReturnType<typeof superviseStart>;
  #timer: NodeJS.Timeout | undefined;

  constructor(names: readonly string[], options: SuperviseOptions, finish: (code: number) => void) {
    this.#options = options;
    this.#finish = finish;
    this.#state = superviseStart(names);
  }

  start({ name, prepared }: SupervisedChild, prefix: string): void {
    if (this.#state.kind !== 'running') {
      // An earlier one has already brought the whole command down.
      this.#gone(prepared, { kind: 'exited', name, pid: 0, code: 0 });
      return;
    }
    const [program = '', ...rest] = prepared.argv;
    // Own group: Ctrl-C reaches only us, and we tell the processes in order.
    const child = spawn(program, rest, { stdio: ['ignore', 'pipe', 'pipe'], detached: true });
    this.#processes.set(name, { child, prepared });
    forwardLines(child.stdout, process.stdout, prefix);
    forwardLines(child.stderr, process.stderr, prefix);
    child.once('error', error => {
      if (child.pid === undefined) this.#gone(prepared, { kind: 'not-started', name, reason: error.message });
    });
    child.once('close', (code, signal) => {
      const value = code ?? 128 + (signal === null ? 0 : constants.signals[signal]);
      this.#gone(prepared, { kind: 'exited', name, pid: child.pid ?? 0, code: value });
    });
  }

  #gone(prepared: Prepared, event: SuperviseEvent): void {
    prepared.bundle.remove();
    this.dispatch(event);
  }

  dispatch(event: SuperviseEvent): void {
    const { state, effects } = superviseStep(this.#state, event, this.#options);
    const wasEnded = this.#state.kind === 'ended';
    this.#state = state;
    for (const effect of effects) this.#perform(effect);
    if (state.kind !== 'ended' || wasEnded) return;
    clearTimeout(this.#timer);
    this.#finish(state.code);
  }

  #perform(effect: SuperviseEffect): void {
    switch (effect.kind) {
      case 'say':
        process[effect.to].write(`${effect.text}\n`);
        return;
      case 'send':
        for (const name of effect.names)
          this.#processes.get(name)?.child.kill(effect.signal as NodeJS.Signals);
        return;
      case 'kill':
        for (const name of effect.names) this.#kill(name);
        return;
      case 'start-timer':
        this.#timer = setTimeout(() => this.dispatch({ kind: 'time-is-up' }), effect.seconds * 1000);
    }
  }

  /** Killing the engine alone would leave its container; the engine ends when the container does. */
  #kill(name: string): void {
    const found = this.#processes.get(name);
    if (found === undefined) return;
    const { engine, bundle } = found.prepared;
    const [program = '', ...rest] = engineCommand(engine, 'delete', '--force', bundle.id);
    spawnSync(program, rest, { stdio: 'ignore' });
    found.child.kill('SIGKILL');
  }
}

/** Runs the children until they have all ended; the exit code as in §1.10 of the format. */
export function supervise(
  children: readonly SupervisedChild[],
  options: SuperviseOptions,
  display: SuperviseDisplay,
): Promise<number> {
  const width = Math.max(...children.map(({ name }) => name.length));
  return new Promise(resolve => {
    const names = children.map(({ name }) => name);
    const handlers = SIGNALS.map(
      signal => [signal, () => supervisor.dispatch({ kind: 'signal', signal })] as const,
    );
    const supervisor = new Supervisor(names, options, code => {
      for (const [signal, handler] of handlers) process.off(signal, handler);
      resolve(code);
    });
    for (const [signal, handler] of handlers) process.on(signal, handler);
    for (const [index, child] of children.entries()) {
      const colour = PREFIX_COLOURS[index % PREFIX_COLOURS.length] as ColourName;
      const prefix = display.logPrefix ? `${display.colours[colour](`${child.name.padEnd(width)} |`)} ` : '';
      supervisor.start(child, prefix);
    }
    const [first] = children;
    if (first !== undefined) sweepAbandoned(dirname(first.prepared.bundle.directory), first.prepared.engine);
  });
}
