// Names on the command line of `_ps`, `_logs`, `_exec`, `_stop`: a command that runs, one of its children, or COMMAND/CHILD. A
// command may run in several terminals: COMMAND@PID is one of them, by the pid of its supervisor.

export interface NamedRun {
  readonly command: string;
  readonly pid: number;
  readonly children: readonly string[];
}

export interface Target<Run extends NamedRun = NamedRun> {
  readonly run: Run;
  /** None: the whole command. */
  readonly children: readonly string[];
}

export type Targets<Run extends NamedRun> =
  | { readonly ok: true; readonly targets: readonly Target<Run>[] }
  | { readonly ok: false; readonly message: string };

export const exactName = ({ command, pid }: NamedRun): string => `${command}@${pid}`;

/** What a user types for this one of them. */
export function shortName(run: NamedRun, runs: readonly NamedRun[]): string {
  return runs.filter(({ command }) => command === run.command).length > 1 ? exactName(run) : run.command;
}

function find<Run extends NamedRun>(runs: readonly Run[], name: string): Target<Run>[] {
  const whole = runs.filter(run => run.command === name || exactName(run) === name);
  if (whole.length > 0) return whole.map(run => ({ run, children: [] }));
  return runs.flatMap(run =>
    run.children
      .filter(child => [child, `${run.command}/${child}`, `${exactName(run)}/${child}`].includes(name))
      .map(child => ({ run, children: [child] })),
  );
}

const known = (runs: readonly NamedRun[]): string =>
  runs.length === 0
    ? 'nothing is'
    : `there are: ${[...new Set(runs.map(({ command }) => command))].join(', ')}`;

/** Children of one run come together; a run that is named itself is meant as a whole. */
function merged<Run extends NamedRun>(targets: readonly Target<Run>[]): Target<Run>[] {
  return [...new Set(targets.map(({ run }) => run))].map(run => {
    const own = targets.filter(target => target.run === run);
    const isWhole = own.some(({ children }) => children.length === 0);
    return { run, children: isWhole ? [] : [...new Set(own.flatMap(({ children }) => children))] };
  });
}

/** No names: everything there is. */
export function namedTargets<Run extends NamedRun>(
  runs: readonly Run[],
  names: readonly string[],
): Targets<Run> {
  if (names.length === 0) return { ok: true, targets: runs.map(run => ({ run, children: [] })) };
  const targets: Target<Run>[] = [];
  for (const name of names) {
    const found = find(runs, name);
    if (found.length === 0) return { ok: false, message: `${name} is not running (${known(runs)})` };
    const commands = [...new Set(found.map(({ run }) => run.command))];
    if (commands.length > 1) {
      const all = commands.map(command => `${command}/${name}`).join(', ');
      return { ok: false, message: `${name} is not clear: ${all}` };
    }
    targets.push(...found);
  }
  return { ok: true, targets: merged(targets) };
}
