// What lithos_switch does. It works from inside a container too: all it needs are the same directories at the same
// paths, and the supervisor's pid namespace.
//
//   read FILE once ─▶ check the whole host with it ─▶ replace, keep the previous one ─▶ tell the tree ─▶ follow
//                                                          ▲                                              │
//                                                          └────── the tree went back to it: restore ◀────┘
import { EXIT } from '@suite/shared/cli/exit.ts';
import { realClock, realDisk } from '@suite/shared/ports/real.ts';
import type { Diagnostic } from '@suite/shared/schema/index.ts';
import { loadHost } from '../adapters/load-host.ts';
import { loadMaster } from '../adapters/load-master.ts';
import type { HostPaths } from '../adapters/paths.ts';
import { runningSupervisor } from '../adapters/pid-file.ts';
import {
  install,
  installedText,
  locked,
  previousFile,
  readOnce,
  refusedFile,
  restore,
} from '../adapters/process-file.ts';
import type { Texts } from '../adapters/read-yaml.ts';
import { readStatus } from '../adapters/status-file.ts';
import { describeAction, plan } from '../core/plan/plan.ts';
import { diff } from '../core/switch/diff.ts';
import { isKnown, judge, readingsBefore, type Wanted } from '../core/switch/judge.ts';
import { type Followed, follow, type Trouble } from './follow.ts';
import { knownRuns } from './known-runs.ts';
import { checkWith, hasErrors } from './switch-check.ts';
import { report } from './switch-report.ts';

export interface SwitchOptions {
  readonly config: string;
  readonly sandbox: string;
  /** Undefined: back to the previous one. */
  readonly file: string | undefined;
  /** Undefined: do not wait. */
  readonly waitS: number | undefined;
  readonly dryRun: boolean;
  readonly verbose: boolean;
  readonly json: boolean;
}

export interface Outcome {
  /**
   * `late`: in place, but not everything ran in time; `failed`: in place, and it does not work; `superseded`: somebody has
   * put another one in its place before it was rolled out.
   */
  readonly result:
    | 'switched'
    | 'unchanged'
    | 'planned'
    | 'invalid'
    | 'rolled-back'
    | 'failed'
    | 'late'
    | 'superseded';
  readonly message: string;
  readonly code: number;
  readonly diagnostics?: readonly Diagnostic[];
  readonly troubles?: readonly Trouble[];
  /** Lines for the standard output. */
  readonly plan?: readonly string[];
  readonly diff?: readonly string[];
  /** Something to know also without --verbose. */
  readonly isNews?: boolean;
}

/** What is to be put in place, checked. */
interface Checked {
  readonly paths: HostPaths;
  readonly target: string;
  readonly text: string;
  readonly wanted: readonly Wanted[];
  readonly warnings: readonly Diagnostic[];
}

function invalid(message: string, diagnostics: readonly Diagnostic[] = []): Outcome {
  return { result: 'invalid', message, code: EXIT.failed, diagnostics };
}

/** `--rollback`: the text of the previous file, which needs to know where the file is. */
async function sourceOf({ file, sandbox }: SwitchOptions, paths: HostPaths): Promise<[string, string]> {
  if (file !== undefined) return [file === '-' ? 'standard input' : file, readOnce(file)];
  const { sandboxes } = await loadHost(realDisk, paths, new Map());
  const target = sandboxes.find(({ name }) => name === sandbox)?.processFile;
  if (target === undefined) throw new Error(`there is no sandbox ${sandbox}`);
  const previous = previousFile(target);
  const text = await installedText(realDisk, previous);
  if (text === undefined) throw new Error(`there is no previous configuration: ${previous} does not exist`);
  return [previous, text];
}

async function check(options: SwitchOptions, texts: Texts): Promise<Checked | Outcome> {
  const master = await loadMaster(realDisk, options.config, texts);
  if (!master.ok) return invalid('the master config is bad', master.errors);
  const { paths } = master.value;
  const [shown, text] = await sourceOf(options, paths);
  const { diagnostics, loaded } = await checkWith({ paths, sandbox: options.sandbox, shown, text, texts });
  const target = loaded?.processFile;
  if (hasErrors(diagnostics) || target === undefined) return invalid('nothing was changed', diagnostics);
  return { paths, target, text, wanted: loaded?.desired?.instances ?? [], warnings: diagnostics };
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

async function planned({ sandbox }: SwitchOptions, checked: Checked): Promise<Outcome> {
  const { paths, target, text, wanted } = checked;
  const known = [...(await knownRuns(paths))].filter(([name]) => name.startsWith(`${sandbox}/`));
  const actions = plan(new Map(wanted.map(({ name, identity }) => [name, identity])), new Map(known));
  return {
    result: 'planned',
    message: 'nothing was changed: dry run',
    code: EXIT.ok,
    diff: diff((await installedText(realDisk, target)) ?? '', text),
    plan: actions.map(describeAction),
  };
}

/** In place, or back where it was. */
async function concluded(
  options: SwitchOptions,
  checked: Checked,
  { ending, troubles }: Followed,
  older: string | undefined,
): Promise<Outcome> {
  const { paths, target, text } = checked;
  if (ending.kind === 'done') {
    const message = `${target} is rolled out: ${ending.total} of ${ending.total} run`;
    return { result: 'switched', message, code: EXIT.ok };
  }
  if (ending.kind === 'late') {
    if (ending.isStopping)
      return {
        result: 'late',
        message: `${target} is in place; ${ending.words}`,
        code: EXIT.timeout,
        troubles,
      };
    const message = `${target} is in place, but after ${options.waitS} s not everything runs: ${ending.words}`;
    return { result: 'late', message, code: EXIT.timeout, troubles };
  }
  if (ending.kind === 'superseded') {
    const message = `${target} was replaced again by somebody else: that one counts now`;
    return { result: 'superseded', message, code: EXIT.failed, troubles };
  }
  const { message, inForce } = ending;
  if (inForce)
    return {
      result: 'failed',
      message: `${target} is in place, but ${message}`,
      code: EXIT.failed,
      troubles,
    };
  const back = await locked(realClock, target, () => restore(realDisk, target, text, older));
  if (back) await signalTree(paths);
  const file = back
    ? `the file is the previous one again, the refused one is ${refusedFile(target)}`
    : `${target} stays as it is`;
  return { result: 'rolled-back', message: `${message}; ${file}`, code: EXIT.failed, troubles };
}

async function replace(options: SwitchOptions, checked: Checked): Promise<Outcome> {
  const { paths, target, text, wanted } = checked;
  const { sandbox, waitS } = options;
  const status = await readStatus(realDisk, paths.statusFile);
  const { same, older } = await locked(realClock, target, async () => {
    const isSame = (await installedText(realDisk, target)) === text;
    return { same: isSame, older: isSame ? undefined : await install(realDisk, target, text) };
  });
  const done = same ? 'has this content already' : 'replaced';
  const result = same ? 'unchanged' : 'switched';
  // Whoever put it in place may have ended before the tree was told.
  const isTold = same && (status === undefined || isKnown(status, sandbox, wanted));
  // In this order: the tree may be reading right now, for somebody else, and have seen the file that was there before.
  const after = isTold ? -1 : readingsBefore(await readStatus(realDisk, paths.statusFile));
  const told = isTold ? undefined : await signalTree(paths);
  if (typeof told === 'string')
    return { result, message: `${target} ${done}; ${told}`, code: EXIT.ok, isNews: true };
  const words = told === undefined ? '' : `, lithos_tree (pid ${told}) told`;
  const isDone = status === undefined || judge(status, sandbox, wanted, realClock.wallMs()).kind === 'done';
  if (waitS === undefined || (isTold && isDone))
    return { result, message: `${target} ${done}${words}`, code: EXIT.ok };
  const isInPlace = async () => (await installedText(realDisk, target)) === text;
  const followed = await follow({ paths, sandbox, wanted, after, waitS, isInPlace, quiet: options.json });
  const outcome = await concluded(options, checked, followed, older);
  return same && outcome.result === 'switched' ? { ...outcome, result } : outcome;
}

/** Never rejects for a mistake of whoever called: that is printed and becomes the exit code. */
export async function switchProcesses(options: SwitchOptions): Promise<number> {
  const texts: Texts = new Map();
  const run = async (): Promise<Outcome> => {
    const checked = await check(options, texts);
    if ('result' in checked) return checked;
    const outcome = options.dryRun ? await planned(options, checked) : await replace(options, checked);
    return { ...outcome, diagnostics: checked.warnings };
  };
  const outcome = await run().catch((error: Error) => invalid(error.message));
  report(outcome, texts, options);
  return outcome.code;
}
