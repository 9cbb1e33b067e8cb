// `npm start`: the demo cluster. Options: `--exit-when-healthy`, `--script chaos`, `--json`.
import { resolve } from 'node:path';
import { type Options, readOptions, USAGE } from '../../setup/options.mjs';
import type { Sample } from './cluster/health.ts';
import { type ClusterView, leadersOf, placeOf, running, total } from './cluster/view.ts';
import { Demo, type Seconds } from './demo.ts';
import { places } from './places.ts';
import { DemoError, Interrupted } from './run.ts';
import { playChaos } from './scenes/chaos.ts';
import type { SceneResult } from './scenes/scene.ts';
import { runInteractive } from './screen/interactive.ts';
import { Screen } from './screen/screen.ts';

const EXIT = { ok: 0, failed: 1, usage: 2, interrupted: 130 } as const;

/** The terminal window was closed. */
let hungUp = false;

interface Summary {
  readonly schemaVersion: 1;
  readonly ok: boolean;
  readonly error?: string;
  readonly seconds?: Seconds & { readonly total: number };
  readonly cluster?: Record<string, unknown>;
  readonly scenes?: readonly SceneResult[];
}

async function main(argv: readonly string[]): Promise<number> {
  const options = readOptions(argv);
  if (options.kind === 'wrong') {
    process.stderr.write(`${options.message}\n\n${USAGE}`);
    return EXIT.usage;
  }
  if (options.kind === 'help') {
    process.stdout.write(USAGE);
    return EXIT.ok;
  }
  // A closed pipe (`| head`) or terminal must not stop the teardown, whichever stream it is.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
  const stopping = new AbortController();
  const screen = new Screen(options.json ? process.stderr : process.stdout);
  const stop = (): void => {
    if (!stopping.signal.aborted) screen.say('Stopping');
    stopping.abort();
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, stop);
  process.once('SIGHUP', () => {
    hungUp = true;
  });
  const root = resolve(process.env.SUITE_ROOT ?? resolve(__dirname, '..', '..'));
  return await play(new Demo(places(root), screen, stopping.signal), screen, options, stop);
}

/** Whatever happens on the way, the demo is taken down at the end. */
async function play(demo: Demo, screen: Screen, options: Options, stop: () => void): Promise<number> {
  let summary: Summary | undefined;
  let code: number = EXIT.ok;
  try {
    const startedMs = performance.now();
    const { view, visits, ...seconds } = await demo.bringUp();
    const all = Math.round((performance.now() - startedMs) / 100) / 10;
    summary = {
      schemaVersion: 1,
      ok: true,
      seconds: { ...seconds, total: all },
      cluster: describe(view, visits),
    };
    if (!options.once && !options.chaos) await runInteractive(demo, screen, stop);
    if (options.chaos) {
      const scenes = await playChaos(demo, screen);
      summary = { ...summary, ok: scenes.every(scene => scene.ok), scenes };
      if (!summary.ok) code = EXIT.failed;
    }
  } catch (error) {
    code = outcome(error, demo, options);
    summary = code === EXIT.ok ? summary : { ...summary, schemaVersion: 1, ok: false, error: reason(error) };
    if (code === EXIT.failed) screen.problem(reason(error));
  }
  try {
    await demo.takeDown();
  } catch (error) {
    screen.problem(reason(error));
    summary = { ...summary, schemaVersion: 1, ok: false, error: summary?.error ?? reason(error) };
    code = EXIT.failed;
  }
  if (summary !== undefined && (options.json || options.once || options.chaos)) {
    process.stdout.write(`${JSON.stringify(summary, undefined, 2)}\n`);
  }
  return code;
}

/** Ctrl-C ends a demo that a person runs well; it interrupts one that was still starting, or a script. */
function outcome(error: unknown, demo: Demo, options: Options): number {
  if (!(error instanceof Interrupted) && !demo.signal.aborted) return EXIT.failed;
  return demo.isHealthy && !options.once && !options.chaos ? EXIT.ok : EXIT.interrupted;
}

/** Conditions of the machine that a person can mend; without them a stack would be printed. */
const MACHINE_ERRORS: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk of .demo is full; the demo needs about 2 GB there',
  EDQUOT: 'the disk quota of .demo is used up; the demo needs about 2 GB there',
  EROFS: 'a file system the demo writes to (.demo in the checkout, /sys/fs/cgroup) is read-only',
  EACCES: 'the demo may not write here; run it as root',
  EPERM: 'the demo may not do this; run it as root, outside of an unprivileged container',
};

function reason(error: unknown): string {
  if (error instanceof DemoError || error instanceof Interrupted) return error.message;
  if (!(error instanceof Error)) return String(error);
  const hint = MACHINE_ERRORS[(error as NodeJS.ErrnoException).code ?? ''];
  return hint === undefined ? (error.stack ?? error.message) : `${error.message}\n${hint}`;
}

/** The facts `--exit-when-healthy` proves, as they were seen at the moment it was. */
function describe(view: ClusterView, visits: Sample): Record<string, unknown> {
  return {
    hosts: view.hosts.filter(host => host.up).map(host => host.name),
    leader: leadersOf(view.hosts)[0],
    django: Object.fromEntries(view.hosts.map(host => [host.name, running(host, 'django')])),
    celery: total(view, 'celery'),
    nginx: placeOf(view.schedule, 'nginx'),
    postgres: placeOf(view.schedule, 'postgres'),
    schedule: view.schedule?.hash,
    visits,
  };
}

/** Node's own exit crashes when it gives back a terminal that is gone: then the end is the one the signal would have had. */
function end(code: number): void {
  if (!hungUp) process.exit(code);
  process.removeAllListeners('SIGHUP');
  process.kill(process.pid, 'SIGHUP');
}

main(process.argv.slice(2)).then(end, (error: unknown) => {
  process.stderr.write(`${reason(error)}\n`);
  process.exit(EXIT.failed);
});
