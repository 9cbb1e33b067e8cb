// `ready`: what tells that a process can be counted on.
import { s } from '@suite/shared/schema/index.ts';
import { READY_INTERVAL_MS, READY_TIMEOUT_S } from './defaults.ts';
import { described } from './described.ts';

const HOST = '127.0.0.1';
const port = s.required(s.int({ min: 1, max: 65_535 }), 'to connect to');
const host = s.withDefault(s.text(), HOST, 'to connect to, seen from the process');

const tries = {
  timeout: s.withDefault(s.int({ min: 1 }), READY_TIMEOUT_S, 'seconds after which the start has failed'),
  interval: s.withDefault(s.int({ min: 10 }), READY_INTERVAL_MS, 'milliseconds between two tries'),
};

function patternProblem(source: string): string | undefined {
  try {
    new RegExp(source, 'u');
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

const variants = {
  Log: s.struct(
    {
      pattern: s.required(
        s.check(s.text({ min: 1 }), patternProblem),
        'regular expression for a line of output',
      ),
      ...tries,
    },
    { shorthand: 'pattern' },
  ),
  Tcp: s.struct({ port, host, ...tries }, { shorthand: 'port' }),
  Http: s.struct(
    {
      port,
      path: s.withDefault(s.path('absolute'), '/', 'that answers with a code below 400'),
      host,
      ...tries,
    },
    { shorthand: 'port' },
  ),
  Exec: s.struct(
    {
      command: s.required(
        s.either(s.text({ min: 1 }), s.list(s.text(), { min: 1 })),
        'shell script, or a program and its arguments, that ends with 0',
      ),
      ...tries,
    },
    { shorthand: 'command' },
  ),
  Exit: s.struct(tries),
};

const READY = described(variants, {
  Log: 'A line of output that matches.',
  Tcp: 'A port that accepts connections.',
  Http: 'A page that can be read.',
  Exec: 'A command that succeeds, run where the process runs.',
  Exit: 'The end of the process itself, with 0: a job that is done once.',
});

export const readySchema = s.tagged(READY);
