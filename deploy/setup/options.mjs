// The options of `npm start`. Plain JavaScript: a typing mistake is said before anything is installed or built.
import { parseArgs } from 'node:util';

export const USAGE = `Usage: npm start [-- OPTIONS]

Brings up the demo cluster: hosts jupyter, mars and pluto with lithos_tree as PID 1, cantal and verwalter on each,
Django, Celery, PostgreSQL, redis and nginx scheduled by verwalter.

  --exit-when-healthy   prove that it is healthy, print a JSON summary, take it down
  --script chaos        also break it in five ways and measure how long it takes to heal
  --json                only JSON on standard output, progress goes to standard error
                        (npm prints lines of its own: npm start --silent -- --json)
  --help                this text
`;

/**
 * `{kind: 'run', once, chaos, json}`, `{kind: 'help'}`, or `{kind: 'wrong', message}`.
 * @param {readonly string[]} argv
 */
export function readOptions(argv) {
  try {
    const { values } = parseArgs({
      args: [...argv],
      options: {
        'exit-when-healthy': { type: 'boolean' },
        script: { type: 'string' },
        json: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    });
    if (values.help) return { kind: 'help' };
    if (values.script !== undefined && values.script !== 'chaos')
      return { kind: 'wrong', message: `--script ${values.script}: the only script is chaos` };
    return {
      kind: 'run',
      once: values['exit-when-healthy'] === true,
      chaos: values.script === 'chaos',
      json: values.json === true,
    };
  } catch (error) {
    return { kind: 'wrong', message: error.message };
  }
}
