// Commands of the project: their containers, then one after another.
import { runForeground, wantsTerminal } from '../adapters/run/foreground.ts';
import { prepareRun } from '../adapters/run/prepare.ts';
import { type SupervisedChild, supervise } from '../adapters/run/supervise.ts';
import { DEFAULT_SHELL } from '../config/defaults.ts';
import type { RunCommand, SuperviseCommand } from '../config/model.ts';
import { containersOf } from '../core/plan/commands.ts';
import { argvOf } from '../core/run/arguments.ts';
import { selectChildren } from '../core/supervise/select.ts';
import { runCapsule } from './capsule.ts';
import { explainCommands } from './explain.ts';
import { type Images, imagesOf } from './images.ts';
import { type PlannedCommand, planCommands } from './plan-commands.ts';
import { report } from './quick.ts';
import { type Session, say, warn } from './session.ts';

interface Wish {
  readonly words: readonly string[];
  readonly own: Readonly<Record<string, string>>;
  readonly terminal?: boolean;
  readonly isolateNetwork?: boolean;
  readonly usualPath?: boolean;
}

/** Where the command may write into its image, or why it may not. */
async function writableRoot({ copies }: Session, { writeMode, container }: RunCommand, hash: string) {
  if (writeMode === 'read-only') return {};
  try {
    return { writableRoot: await copies.make(container, hash) };
  } catch (error) {
    return {
      problem: `a writable copy of container "${container}" is not possible: ${(error as Error).message}`,
    };
  }
}

async function prepare(session: Session, command: RunCommand, images: Images, wish: Wish) {
  const engine = await session.engine();
  if ('error' in engine) return { kind: 'ended' as const, code: 121, stderr: `${engine.error}\n` };
  const { layout, cache, options, variables } = session;
  const container = cache.project.containers[command.container];
  const shell = container?.defaultShell ?? [];
  if ((container?.dataDirs.length ?? 0) > 0)
    warn(`container ${command.container} keeps only its data-dirs; commands belong in another one`);
  const hash = images.get(command.container) ?? '';
  const root = await writableRoot(session, command, hash);
  if (root.problem !== undefined) return { kind: 'ended' as const, code: 124, stderr: `${root.problem}\n` };
  const isolated = options.isolateNetwork || wish.isolateNetwork === true;
  return prepareRun({
    layout,
    cache,
    engine,
    command,
    variables,
    own: wish.own,
    hash,
    ...root,
    argv: argvOf(command, shell, wish.words),
    isolateNetwork: false,
    ...(isolated && { network: { path: (await session.isolatedNetwork()).path } }),
    terminal: wish.terminal ?? wantsTerminal(),
    usualPath: wish.usualPath === true,
  });
}

/** One command in the foreground. */
export async function runOne(session: Session, command: RunCommand, images: Images, wish: Wish) {
  const prepared = await prepare(session, command, images, wish);
  return prepared.kind === 'ended' ? report(prepared) : await runForeground(prepared);
}

async function runSupervise(
  session: Session,
  { name, line }: PlannedCommand,
  command: SuperviseCommand,
  images: Images,
) {
  const names = selectChildren(command.children, line.selection);
  if (names.length === 0) return say(127, `Nothing to supervise in ${name}`);
  const children: SupervisedChild[] = [];
  for (const child of names) {
    const prepared = await prepare(session, command.children[child] as RunCommand, images, {
      words: [],
      own: { ...line.variables, VAGGA_COMMAND: name, VAGGA_SUBCOMMAND: child },
      terminal: false,
      isolateNetwork: command.isolateNetwork,
    });
    if (prepared.kind === 'ended') {
      for (const { prepared: other } of children) other.bundle.remove();
      return report(prepared);
    }
    children.push({ name: child, prepared });
  }
  const { logPrefix } = line.selection;
  return await supervise(children, command, { colours: session.colours, logPrefix });
}

/** For people, so it keeps out of what the command prints for programs. With a delay it is for commands that stay. */
async function withBanner(command: RunCommand, run: () => Promise<number>): Promise<number> {
  const { banner, bannerDelay = 0 } = command;
  if (banner === undefined) return await run();
  const show = () => void process.stderr.write(banner);
  if (bannerDelay === 0) show();
  const timer = bannerDelay === 0 ? undefined : setTimeout(show, bannerDelay * 1000);
  const code = await run();
  clearTimeout(timer);
  return code;
}

async function runPlanned(session: Session, planned: PlannedCommand, images: Images): Promise<number> {
  const { command, line } = planned;
  const code =
    command.kind === 'command'
      ? await withBanner(command, () =>
          runOne(session, command, images, { words: line.words, own: line.variables }),
        )
      : command.kind === 'capsule'
        ? await runCapsule(session, command, argvOf(command, DEFAULT_SHELL, line.words), line.variables)
        : await runSupervise(session, planned, command, images);
  if (code === 0 && command.epilog !== undefined) process.stdout.write(command.epilog);
  return code;
}

/** Commands may differ in how they build: those that agree are built together. */
async function imagesOfAll(session: Session, planned: readonly PlannedCommand[]): Promise<Images | number> {
  const all = new Map<string, string>();
  for (const mode of new Set(planned.map(({ line }) => line.build))) {
    const commands = planned.filter(({ line }) => line.build === mode);
    const names = new Set(commands.flatMap(({ command }) => containersOf(command)));
    const images = await imagesOf(session, [...names], mode);
    if (typeof images === 'number') return images;
    for (const [name, hash] of images) all.set(name, hash);
  }
  return all;
}

/** `words`: a command and its arguments, or with `-m` several commands. */
export async function runCommands(session: Session, words: readonly string[]): Promise<number> {
  const planned = planCommands(session, words);
  if (typeof planned === 'number') return planned;
  if (session.options.explain) return explainCommands(session, planned);
  const images = await imagesOfAll(session, planned);
  if (typeof images === 'number') return images;
  if (session.options.containersOnly) return 0;
  for (const command of planned) {
    const code = await runPlanned(session, command, images);
    if (code !== 0) return code;
  }
  return 0;
}
