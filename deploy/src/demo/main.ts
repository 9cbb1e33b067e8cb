// `npm start`: the demo cluster. Options: `--exit-when-healthy`, `--script chaos`, `--json`.
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { leadersOf, placeOf } from './cluster/view.ts';
import { sample } from './cluster/visit.ts';
import { EXPECTED } from './defaults.ts';
import { type BringUp, Demo } from './demo.ts';
import { places } from './places.ts';
import { DemoError, Interrupted } from './run.ts';
import { playChaos } from './scenes/chaos.ts';
import type { SceneResult } from './scenes/scene.ts';
import { runInteractive } from './screen/interactive.ts';
import { Screen } from './screen/screen.ts';

const USAGE = `Usage: npm start [-- OPTIONS]

Brings up the demo cluster: hosts jupyter, mars and pluto with lithos_tree as PID 1, cantal and verwalter on each,
Django, Celery, PostgreSQL, redis and nginx scheduled by verwalter.

  --exit-when-healthy   prove that it is healthy, print a JSON summary, take it down
  --script chaos        also break it in five ways and measure how long it takes to heal
  --json                only JSON on standard output; progress goes to standard error
  --help                this text
`;

const EXIT = { ok: 0, failed: 1, usage: 2, interrupted: 130 } as const;

interface Options {
  readonly once: boolean;
  readonly chaos: boolean;
  readonly json: boolean;
}

interface Summary {
  readonly schemaVersion: 1;
  readonly ok: boolean;
  readonly error?: string;
  readonly seconds?: BringUp & { readonly total: number };
  readonly cluster?: Record<string, unknown>;
  readonly scenes?: readonly SceneResult[];
}

/** Undefined after usage was printed. */
function readOptions(argv: readonly string[]): Options | 'help' | undefined {
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
    if (values.help === true) return 'help';
    if (values.script !== undefined && values.script !== 'chaos')
      throw new Error(`--script ${values.script}: only chaos is known`);
    return {
      once: values['exit-when-healthy'] === true,
      chaos: values.script === 'chaos',
      json: values.json === true,
    };
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n\n${USAGE}`);
    return undefined;
  }
}

async function main(argv: readonly string[]): Promise<number> {
  const options = readOptions(argv);
  if (options === undefined) return EXIT.usage;
  if (options === 'help') {
    process.stdout.write(USAGE);
    return EXIT.ok;
  }
  const stopping = new AbortController();
  const screen = new Screen(options.json ? process.stderr : process.stdout);
  const stop = (): void => {
    if (!stopping.signal.aborted) screen.say('Stopping');
    stopping.abort();
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, stop);
  const root = resolve(process.env.SUITE_ROOT ?? resolve(__dirname, '..', '..'));
  return await play(new Demo(places(root), screen, stopping.signal), screen, options, stop);
}

/** Whatever happens on the way, the demo is taken down at the end. */
async function play(demo: Demo, screen: Screen, options: Options, stop: () => void): Promise<number> {
  let summary: Summary | undefined;
  let code: number = EXIT.ok;
  try {
    const startedMs = performance.now();
    const seconds = await demo.bringUp();
    const total = Math.round((performance.now() - startedMs) / 100) / 10;
    const facts = {
      schemaVersion: 1,
      seconds: { ...seconds, total },
      cluster: await describe(demo),
    } as const;
    if (!options.once && !options.chaos) await runInteractive(demo, screen, stop);
    const scenes = options.chaos ? await playChaos(demo, screen) : undefined;
    const ok = scenes?.every(scene => scene.ok) ?? true;
    summary = { ...facts, ok, ...(scenes !== undefined && { scenes }) };
    code = ok ? EXIT.ok : EXIT.failed;
  } catch (error) {
    code = outcome(error, demo, screen);
    summary = code === EXIT.ok ? undefined : { schemaVersion: 1, ok: false, error: reason(error) };
  }
  try {
    await demo.takeDown();
  } catch (error) {
    process.stderr.write(`${reason(error)}\n`);
    code = EXIT.failed;
  }
  if (summary !== undefined && (options.json || options.once || options.chaos)) {
    process.stdout.write(`${JSON.stringify(summary, undefined, 2)}\n`);
  }
  return code;
}

/** Ctrl-C ends a running demo well, and interrupts one that was still starting. */
function outcome(error: unknown, demo: Demo, screen: Screen): number {
  if (error instanceof Interrupted || demo.signal.aborted) return demo.isHealthy ? EXIT.ok : EXIT.interrupted;
  screen.say('');
  process.stderr.write(`${reason(error)}\n`);
  return EXIT.failed;
}

function reason(error: unknown): string {
  if (error instanceof DemoError || error instanceof Interrupted) return error.message;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

/** The facts `--exit-when-healthy` proves. */
async function describe(demo: Demo): Promise<Record<string, unknown>> {
  const view = await demo.waitHealthy();
  const nginx = placeOf(view.schedule, 'nginx') ?? EXPECTED.nginx;
  const visits = await sample(demo.addressOf(nginx));
  return {
    hosts: view.hosts.map(host => host.name),
    leader: leadersOf(view.hosts)[0],
    django: EXPECTED.django,
    celery: EXPECTED.celery,
    nginx,
    postgres: placeOf(view.schedule, 'postgres'),
    schedule: view.schedule?.hash,
    visits,
  };
}

main(process.argv.slice(2)).then(
  code => process.exit(code),
  (error: unknown) => {
    process.stderr.write(`${reason(error)}\n`);
    process.exit(EXIT.failed);
  },
);
