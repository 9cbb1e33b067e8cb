// One look at whether a process can be counted on. Resolves to what stands against it, or to undefined.
import { spawn } from 'node:child_process';
import { get } from 'node:http';
import { connect } from 'node:net';
import { READY_ANSWER_BYTES_MAX } from '../../config/defaults.ts';
import type { Readiness } from '../../config/model.ts';

export type Tried = Extract<Readiness, { tag: 'Tcp' | 'Http' }>;

const reason = (error: unknown): string =>
  (error as NodeJS.ErrnoException).message || (error as NodeJS.ErrnoException).code || 'no connection';

function tryTcp({ host, port }: Extract<Readiness, { tag: 'Tcp' }>, signal: AbortSignal) {
  return new Promise<string | undefined>(resolve => {
    const socket = connect({ host, port, signal });
    const end = (problem: string | undefined) => {
      socket.destroy();
      resolve(problem);
    };
    socket.once('connect', () => end(undefined));
    socket.once('error', error => end(reason(error)));
  });
}

function tryHttp({ host, port, path }: Extract<Readiness, { tag: 'Http' }>, signal: AbortSignal) {
  return new Promise<string | undefined>(resolve => {
    const request = get({ host, port, path, signal, agent: false }, answer => {
      const { statusCode = 0, statusMessage = '' } = answer;
      answer.destroy();
      resolve(statusCode < 400 ? undefined : `${path} answers ${statusCode} ${statusMessage}`.trim());
    });
    request.once('error', error => resolve(reason(error)));
  });
}

export function tryConnection(readiness: Tried, signal: AbortSignal): Promise<string | undefined> {
  return readiness.tag === 'Tcp' ? tryTcp(readiness, signal) : tryHttp(readiness, signal);
}

const lastLine = (text: string): string => text.trim().split('\n').at(-1) ?? '';

/** Ready when the program ends with 0; else its last line is the answer. */
export function tryProgram(argv: readonly string[], signal: AbortSignal): Promise<string | undefined> {
  const [program = '', ...rest] = argv;
  return new Promise(resolve => {
    const child = spawn(program, rest, { stdio: ['ignore', 'pipe', 'pipe'], signal });
    let said = '';
    const take = (chunk: Buffer) => {
      said = (said + chunk.toString()).slice(-READY_ANSWER_BYTES_MAX);
    };
    child.stdout.on('data', take);
    child.stderr.on('data', take);
    child.once('error', error => resolve(reason(error)));
    child.once('close', (code, name) => {
      const end = name === null ? `ended with code ${code}` : `ended by ${name}`;
      resolve(code === 0 ? undefined : [end, lastLine(said)].filter(Boolean).join(': '));
    });
  });
}
