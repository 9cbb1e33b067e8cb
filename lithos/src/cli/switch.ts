// What lithos_switch does. It works from inside a container too: all it needs are the same directories at the same
// paths, and the supervisor's pid namespace.
import { colours } from '@suite/shared/cli/colours.ts';
import { EXIT } from '@suite/shared/cli/exit.ts';
import { jsonOut } from '@suite/shared/cli/json-out.ts';
import { realClock, realDisk } from '@suite/shared/ports/real.ts';
import { type Diagnostic, printDiagnostics } from '@suite/shared/schema/index.ts';
import { loadMaster } from '../adapters/load-master.ts';
import { type LoadedSandbox, loadSandbox } from '../adapters/load-sandbox.ts';
import type { HostPaths } from '../adapters/paths.ts';
import { runningSupervisor } from '../adapters/pid-file.ts';
import type { Texts } from '../adapters/read-yaml.ts';
import { type InstanceStatus, readStatus, type TreeStatus } from '../adapters/status-file.ts';
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
}

function invalid(message: string, diagnostics?: readonly Diagnostic[]): Outcome {
  return {
    result: 'invalid',
    message,
    code: EXIT.failed,
    ...(diagnostics === undefined ? {} : { diagnostics }),
  };
}

/** Undefined when no tree runs; that is a warning only, the next one reads the new file. */
async function signalTree(paths: HostPaths): Promise<number | undefined> {
  const pid = await runningSupervisor(realDisk, paths.pidFile);
  if (pid === undefined) return undefined;
  process.kill(pid, 'SIGHUP');
  return pid;
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

async function replace(options: SwitchOptions, paths: HostPaths, loaded: LoadedSandbox): Promise<Outcome> {
  const { sandbox, waitS } = options;
  const target = loaded.processFile as string;
  const text = await realDisk.readText(options.file, LIMITS.configBytes);
  if (text === undefined) return invalid(`${options.file} vanished while it was checked`);
  const installed = await realDisk.readText(target, LIMITS.configBytes).catch(() => undefined);
  if (installed === text)
    return { result: 'unchanged', message: `${target} has this content already`, code: EXIT.ok };
  const before = (await readStatus(realDisk, paths.statusFile))?.reloads ?? 0;
  await realDisk.writeAtomic(target, text, { fsync: true });
  const pid = await signalTree(paths);
  if (pid === undefined) {
    const message = `${target} replaced; no lithos_tree runs, the next one will read it`;
    return { result: 'switched', message, code: EXIT.ok };
  }
  if (waitS !== undefined && !(await waitForRollOut(paths, before, loaded, waitS))) {
    const message = `${target} replaced, but not everything of ${sandbox} runs after ${waitS} s: see lithos_ps`;
    return { result: 'waiting-failed', message, code: EXIT.timeout };
  }
  return { result: 'switched', message: `${target} replaced, lithos_tree (pid ${pid}) told`, code: EXIT.ok };
}

async function run(options: SwitchOptions, texts: Texts): Promise<Outcome> {
  const master = await loadMaster(realDisk, options.config, texts);
  if (!master.ok) return invalid('the master config is bad', master.errors);
  const { paths } = master.value;
  const loaded = await loadSandbox(realDisk, paths, options.sandbox, texts, options.file);
  if (!loaded.ok) return invalid('nothing was changed', loaded.diagnostics);
  return await replace(options, paths, loaded);
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
    if (code !== EXIT.ok || options.verbose) process.stderr.write(`lithos_switch: ${message}\n`);
  }
  return code;
}
