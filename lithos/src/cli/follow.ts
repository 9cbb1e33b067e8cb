// Follows a roll-out by the tree's status file, which the tree writes at every change, and remembers who was not well.
import { createProgress } from '@suite/shared/cli/progress.ts';
import { realClock, realDisk } from '@suite/shared/ports/real.ts';
import { type InstanceStatus, LITHOS_LIMITS } from '@suite/shared/wire/lithos.ts';
import { logTail } from '../adapters/log-tail.ts';
import { type HostPaths, stdioLog } from '../adapters/paths.ts';
import { runningSupervisor } from '../adapters/pid-file.ts';
import { readStatus } from '../adapters/status-file.ts';
import { SHOWN, TIMES } from '../config/defaults.ts';
import { shortened } from '../core/instance/printable.ts';
import { describeState } from '../core/instance/words.ts';
import { isUnwell, type Judgement, judge, type Wanted } from '../core/switch/judge.ts';

export interface FollowOptions {
  readonly paths: HostPaths;
  readonly sandbox: string;
  readonly wanted: readonly Wanted[];
  /** The reading with the new configuration has a higher number. */
  readonly after: number;
  readonly waitS: number;
  /** Whether the file is still what was put there. */
  readonly isInPlace: () => Promise<boolean>;
  /** No progress: the caller prints JSON. */
  readonly quiet: boolean;
}

/** Somebody who failed on the way, as last seen while failing. */
export interface Trouble {
  readonly name: string;
  readonly words: string;
  readonly lastExit: string | null;
  readonly log: readonly string[];
}

export type Ending =
  | Exclude<Judgement, { kind: 'going' }>
  /** `isStopping`: there is nothing to wait for any more. */
  | { readonly kind: 'late'; readonly words: string; readonly isStopping: boolean }
  | { readonly kind: 'superseded' };

export interface Followed {
  readonly ending: Ending;
  readonly troubles: readonly Trouble[];
}

class Troubles {
  private readonly byName = new Map<string, Trouble>();
  private readonly told = new Set<string>();
  private readonly paths: HostPaths;

  constructor(paths: HostPaths) {
    this.paths = paths;
  }

  /** The log is read again only for another run or state: it is shown as it was when it went wrong. */
  note(instance: InstanceStatus): void {
    const { name, lastExit } = instance;
    const words = describeState(instance, realClock.wallMs());
    if (this.byName.get(name)?.words === words) return;
    const lines = logTail(stdioLog(this.paths, name), SHOWN.logLines, LITHOS_LIMITS.logBytes);
    const log = lines.map(line => shortened(line, SHOWN.lineChars));
    this.byName.set(name, { name, words, lastExit: lastExit?.words ?? null, log });
  }

  /** A roll-out may be over before anybody could see who failed; its message names him. */
  noteNamed(message: string, instances: readonly InstanceStatus[]): void {
    for (const instance of instances)
      if (message.includes(`${instance.name} `) && !this.byName.has(instance.name)) this.note(instance);
  }

  /** A line for whoever waits; undefined when it has been told (a time that runs down makes it no other one). */
  news({ name, problem, lastExit, state }: InstanceStatus): string | undefined {
    const line = `${name}: ${problem ?? lastExit?.words ?? state}`;
    if (this.told.has(line)) return undefined;
    this.told.add(line);
    return line;
  }

  /** Those that got well in the end are no news. */
  settle(well: ReadonlySet<string>): Trouble[] {
    return [...this.byName.values()].filter(({ name }) => !well.has(name));
  }
}

function wellOf(ending: Ending, wanted: readonly Wanted[]): Set<string> {
  return new Set(ending.kind === 'done' ? wanted.map(({ name }) => name) : []);
}

/** A tree that died on the way is the reason, whatever it said last. */
async function lateWords({ pidFile }: HostPaths, words: string): Promise<string> {
  const runs = (await runningSupervisor(realDisk, pidFile)) !== undefined;
  return runs ? words : 'lithos_tree does not run any more, the next one will read it';
}

function inWords(ending: Exclude<Ending, { kind: 'done' }>): string {
  if (ending.kind === 'superseded') return 'another file was put in its place';
  return ending.kind === 'late' ? ending.words : ending.message;
}

/** Resolves when it is rolled out, has failed, or the time is over. */
export async function follow(options: FollowOptions): Promise<Followed> {
  const { paths, sandbox, wanted, after, waitS } = options;
  const monotonicMs = () => realClock.monotonicMs();
  const mode = options.quiet ? 'quiet' : 'auto';
  const progress = createProgress(process.stderr, mode, { env: process.env, monotonicMs });
  const step = progress.start(`rolling out ${sandbox}`);
  const troubles = new Troubles(paths);
  const giveUpMs = monotonicMs() + waitS * 1000;
  const end = (ending: Ending): Followed => {
    if (ending.kind === 'done') step.done(`${ending.total} of ${ending.total} run`);
    else if (!options.quiet) step.failed(inWords(ending));
    return { ending, troubles: troubles.settle(wellOf(ending, wanted)) };
  };
  let words = 'the tree has not read it yet';
  let shown = 0;
  for (;;) {
    const status = await readStatus(realDisk, paths.statusFile);
    if (status !== undefined && status.reloads > after) {
      for (const instance of status.instances)
        if (instance.name.startsWith(`${sandbox}/`) && isUnwell(instance)) {
          troubles.note(instance);
          const line = troubles.news(instance);
          if (progress.mode === 'plain' && line !== undefined) progress.note(`  ${line}`);
        }
      const now = judge(status, sandbox, wanted, realClock.wallMs());
      // What the tree says of another file is not about ours.
      if (now.kind !== 'done' && !(await options.isInPlace())) return end({ kind: 'superseded' });
      if (now.kind === 'failed') troubles.noteNamed(now.message, status.instances);
      if (now.kind !== 'going') return end(now);
      words = `${now.done} of ${now.total} run; ${now.words}`;
      step.update(words);
      if (progress.mode === 'plain' && now.done !== shown) progress.note(`  ${now.done} of ${now.total} run`);
      shown = now.done;
    }
    if (status?.stopping === true)
      return end({
        kind: 'late',
        words: 'lithos_tree is stopping, the next one will read it',
        isStopping: true,
      });
    if (monotonicMs() > giveUpMs)
      return end({ kind: 'late', words: await lateWords(paths, words), isStopping: false });
    await new Promise<void>(resolve => realClock.after(TIMES.statusDelayMs, resolve));
  }
}
