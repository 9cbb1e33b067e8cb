// What lithos_switch does. It works from inside a container too: all it needs are the same directories at the same
// paths, and the supervisor's pid namespace.
import { colours } from '@suite/shared/cli/colours.ts';
import { EXIT } from '@suite/shared/cli/exit.ts';
import { jsonOut } from '@suite/shared/cli/json-out.ts';
import { realClock, realDisk } from '@suite/shared/ports/real.ts';
import { type Diagnostic, printDiagnostics } from '@suite/shared/schema/index.ts';
import type { InstanceStatus, TreeStatus } from '@suite/shared/wire/lithos.ts';
import { loadMaster } from '../adapters/load-master.ts';
import { type LoadedSandbox, loadSandbox } from '../adapters/load-sandbox.ts';
import type { HostPaths } from '../adapters/paths.ts';
import { runningSupervisor } from '../adapters/pid-file.ts';
import type { Texts } from '../adapters/read-yaml.ts';
import { readStatus } from '../adapters/status-file.ts';
import { LIMITS, TIMES } from '../config/defaults.ts';

export interface SwitchOptions {
  readonly config: string;
  readonly sandbox: string;
  readonly file: string;
  readonly waitS: number | undefined;
  readonly verbose: boolean;
  readonly json: boolean;
}

interface Outcome {
  /** `waiting-failed`: in place, but not everything ran in time. */
  readonly result: 'switched' | 'unchanged' | 'invalid' | 'waiting-failed';
  readonly message: string;
  readonly code: number;
  readonly diagnostics?: readonly Diagnostic[];
  /** In place, but no tree knows: said also without --verbose. */
  readonly untold?: true;
}

function invalid(message: string, diagnostics?: readonly Diagnostic[]): Outcome {
  return {
    result: 'invalid',
    message,
    code: EXIT.failed,
    ...(diagnostics === undefined ? {} : { diagnostics }),
  };
}

/** The pid that was told, else why none was; that is a warning only: the file is in place. */
async function signalTree(paths: HostPaths): Promise<number | string> {
  const pid = await runningSupervisor(realDisk, paths.pidFile);
  if (pid === undefined) return 'no lithos_tree runs, the next one will read it';
  try {
    process.kill(pid, 'SIGHUP');
    return pid;
  } catch (error) {
    return `lithos_tree (pid ${pid}) could not be told to read it: ${(error as Error).message}`;
  }
}

/** True when the tree has this configuration, or there is none to have it. */
function isKnown(status: TreeStatus | undefined, loaded: LoadedSandbox): boolean {
  if (status === undefined) return true;
  const wanted = new Map((loaded.desired?.instances ?? []).map(({ name, identity }) => [name, identity]));
  const present = status.instances.filter(({ name }) => name.startsWith(`${loaded.name}/`));
  return (
    present.length === wanted.size &&
    present.every(
      ({ name, identity }) => wanted.has(name) && (identity ?? wanted.get(name)) === wanted.get(name),
    )
  );
}

function hasSettled({ state, startedWallMs }: InstanceStatus): boolean {
  return state === 'running' && realClock.wallMs() - (startedWallMs ?? 0) >= TIMES.settleMs;
}

function isRolledOut(status: TreeStatus, loaded: LoadedSandbox): boolean {
  const wanted = loaded.desired?.instances ?? [];
  const present = status.instances.filter(({ name }) => name.startsWith(`${loaded.name}/`));
  return (
    present.length === wanted.length &&
    wanted.every(({ name, identity }) =>
      present.some(item => item.name === name && item.identity === identity && hasSettled(item)),
    )
  );
}

/** Polls the status file, which the tree writes on every change. */
async function waitForRollOut(
  paths: HostPaths,
  before: number,
  loaded: LoadedSandbox,
  waitS: number,
): Promise<boolean> {
  const giveUpMs = realClock.monotonicMs() + waitS * 1000;
  for (;;) {
    const status = await readStatus(realDisk, paths.statusFile);
    if (status !== undefined && status.reloads > before && isRolledOut(status, loaded)) return true;
    if (realClock.monotonicMs() > giveUpMs) return false;
    await new Promise<void>(resolve => realClock.after(TIMES.statusDelayMs, resolve));
  }
}

/** `text` is what was checked: reading FILE again might give something else. */
async function replace(
  options: SwitchOptions,
  paths: HostPaths,
  loaded: LoadedSandbox,
  text: string,
): Promise<Outcome> {
  const { sandbox, waitS } = options;
  const target = loaded.processFile as string;
  const status = await readStatus(realDisk, paths.statusFile);
  const same = (await realDisk.readText(target, LIMITS.configBytes).catch(() => undefined)) === text;
  // Whoever put it in place may have ended before the tree was told, and `--wait` asks for more than a file in place.
  if (same && waitS === undefined && isKnown(status, loaded))
    return { result: 'unchanged', message: `${target} has this content already`, code: EXIT.ok };
  if (!same) await realDisk.writeAtomic(target, text, { fsync: true });
  const done = same ? 'has this content already' : 'replaced';
  const result = same ? 'unchanged' : 'switched';
  const told = await signalTree(paths);
  if (typeof told !== 'number')
    return { result, message: `${target} ${done}; ${told}`, code: EXIT.ok, untold: true };
  if (waitS !== undefined && !(await waitForRollOut(paths, status?.reloads ?? 0, loaded, waitS))) {
    const message = `${target} ${done}, but not everything of ${sandbox} runs after ${waitS} s: see lithos_ps`;
    return { result: 'waiting-failed', message, code: EXIT.timeout };
  }
  return { result, message: `${target} ${done}, lithos_tree (pid ${told}) told`, code: EXIT.ok };
}

async function run(options: SwitchOptions, texts: Texts): Promise<Outcome> {
  const master = await loadMaster(realDisk, options.config, texts);
  if (!master.ok) return invalid('the master config is bad', master.errors);
  const { paths } = master.value;
  const loaded = await loadSandbox(realDisk, paths, options.sandbox, texts, options.file);
  if (!loaded.ok) return invalid('nothing was changed', loaded.diagnostics);
  return await replace(options, paths, loaded, texts.get(options.file) ?? '');
}

export async function switchProcesses(options: SwitchOptions): Promise<number> {
  if (options.waitS !== undefined && !(options.waitS >= 0)) {
    process.stderr.write('lithos_switch: --wait needs a number of seconds\n');
    return EXIT.usage;
  }
  const texts: Texts = new Map();
  const outcome = await run(options, texts).catch((error: Error) => invalid(error.message));
  const { result, message, code, diagnostics } = outcome;
  if (options.json) jsonOut({ result, message, diagnostics: diagnostics ?? [] }, process.stdout);
  else {
    const colour = colours(process.stderr, process.env).enabled;
    process.stderr.write(printDiagnostics(diagnostics ?? [], texts, { colour }));
    if (code !== EXIT.ok || options.verbose || outcome.untold)
      process.stderr.write(`lithos_switch: ${message}\n`);
  }
  return code;
}
