// Commands of the project: their containers, then one after another.
import { setTimeout as sleep } from 'node:timers/promises';
import { runForeground } from '../adapters/run/foreground.ts';
import { DEFAULT_SHELL } from '../config/defaults.ts';
import type { Command, RunCommand } from '../config/model.ts';
import { containersOf } from '../core/plan/commands.ts';
import { argvOf } from '../core/run/arguments.ts';
import { backOff, isRestarted, type Running } from '../core/supervise/child.ts';
import { childOptions } from '../core/supervise/select.ts';
import { runCapsule } from './capsule.ts';
import { explainCommands } from './explain.ts';
import { type Images, imagesOf } from './images.ts';
import { withFilling } from './initialise.ts';
import { type PlannedCommand, planCommands } from './plan-commands.ts';
import { prepareCommand, socketsOf, type Wish } from './prepare-command.ts';
import { report } from './quick.ts';
import { isSupervisor, runSupervisor, startDetached } from './run-detached.ts';
import { runSupervise, type Watching } from './run-supervise.ts';
import type { Session } from './session.ts';

/** A user who ended it does not want it to begin anew. */
const ENDED_BY_USER = [129, 130, 131, 143];

/** Started again as its `restart` says. */
async function runOften(command: RunCommand, run: () => Promise<number>): Promise<number> {
  const options = childOptions(command);
  let tries: Running = { kind: 'running', pid: 0, ready: true, restarts: 0, failures: 0 };
  for (;;) {
    const startedMs = performance.now();
    const code = await run();
    if (ENDED_BY_USER.includes(code) || !isRestarted(tries, options, code)) return code;
    const { next, delayMs } = backOff(tries, options, performance.now() - startedMs);
    process.stderr.write(`It ended with code ${code}. Starting again in ${delayMs / 1000} s\n`);
    await sleep(delayMs);
    tries = { ...tries, restarts: next.restarts, failures: next.failures };
  }
}

/** One command in the foreground. */
export async function runOne(session: Session, command: RunCommand, images: Images, wish: Wish) {
  const fds = await socketsOf(command);
  if ('kind' in fds) return report(fds);
  return await runOften(command, async () => {
    const prepared = await prepareCommand(session, command, images, { ...wish, fds });
    return prepared.kind === 'ended' ? report(prepared) : await runForeground(prepared);
  });
}

/** For people, so it keeps out of what the command prints for programs. With a delay it is for commands that stay. */
async function withBanner({ banner, bannerDelay = 0 }: Command, run: () => Promise<number>): Promise<number> {
  if (banner === undefined) return await run();
  const show = () => void process.stderr.write(banner.endsWith('\n') ? banner : `${banner}\n`);
  if (bannerDelay === 0) show();
  const timer = bannerDelay === 0 ? undefined : setTimeout(show, bannerDelay * 1000);
  const code = await run();
  clearTimeout(timer);
  return code;
}

async function runKind(session: Session, planned: PlannedCommand, images: Images): Promise<number> {
  const { name, command, line } = planned;
  if (command.kind === 'supervise') return await runSupervise(session, planned, images);
  if (command.kind === 'capsule')
    return await runCapsule(session, command, argvOf(command, DEFAULT_SHELL, line.words), line.variables);
  return await withFilling(session, name, command, () =>
    runOne(session, command, images, { words: line.words, own: line.variables }),
  );
}

async function runPlanned(session: Session, planned: PlannedCommand, images: Images): Promise<number> {
  const { command } = planned;
  const code = await withBanner(command, () => runKind(session, planned, images));
  if (code === 0 && command.epilog !== undefined) process.stdout.write(command.epilog);
  return code;
}

/** Commands may differ in how they build: those that agree are built together. */
async function imagesOfAll(session: Session, planned: readonly PlannedCommand[]): Promise<Images | number> {
  const all = new Map<string, string>();
  for (const mode of new Set(planned.map(({ line }) => line.build))) {
    const commands = planned.filter(({ line }) => line.build === mode);
    const names = new Set(commands.flatMap(({ command }) => containersOf(session.cache.project, command)));
    const images = await imagesOf(session, [...names], mode);
    if (typeof images === 'number') return images;
    for (const [name, hash] of images) all.set(name, hash);
  }
  return all;
}

/** `words`: a command and its arguments, or with `-m` several commands. `watching`: the last one under a supervisor that obeys its rules. */
export async function runCommands(
  session: Session,
  words: readonly string[],
  watching?: Watching,
): Promise<number> {
  const planned = planCommands(session, words);
  if (typeof planned === 'number') return planned;
  if (session.options.explain) return explainCommands(session, planned);
  const images = await imagesOfAll(session, planned);
  if (typeof images === 'number') return images;
  if (session.options.containersOnly) return 0;
  const last = planned.at(-1);
  if (isSupervisor && last !== undefined) return await runSupervisor(session, last, images);
  const { detach } = session.options;
  for (const command of planned) {
    const code = await (command === last && detach
      ? startDetached(session, command)
      : command === last && watching !== undefined
        ? runSupervise(session, command, images, watching)
        : runPlanned(session, command, images));
    if (code !== 0) return code;
  }
  return 0;
}
