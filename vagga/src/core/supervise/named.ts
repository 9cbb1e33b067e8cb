// Names on the command line of `_logs`, `_exec`, `_stop`: a detached command, one of its children, or COMMAND/CHILD.

export interface NamedRun {
  readonly command: string;
  readonly children: readonly string[];
}

export interface Target {
  readonly command: string;
  /** None: the whole command. */
  readonly children: readonly string[];
}

export type Targets =
  | { readonly ok: true; readonly targets: readonly Target[] }
  | { readonly ok: false; readonly message: string };

function find(runs: readonly NamedRun[], name: string): Target[] {
  const whole = runs.find(({ command }) => command === name);
  if (whole !== undefined) return [{ command: name, children: [] }];
  return runs.flatMap(({ command, children }) =>
    children
      .filter(child => child === name || `${command}/${child}` === name)
      .map(child => ({ command, children: [child] })),
  );
}

const known = (runs: readonly NamedRun[]): string =>
  runs.length === 0 ? 'nothing is detached' : `there are: ${runs.map(({ command }) => command).join(', ')}`;

/** Children of one command come together; a command that is named itself is meant as a whole. */
function merged(targets: readonly Target[]): Target[] {
  return [...new Set(targets.map(({ command }) => command))].map(command => {
    const own = targets.filter(target => target.command === command);
    const isWhole = own.some(({ children }) => children.length === 0);
    return { command, children: isWhole ? [] : [...new Set(own.flatMap(({ children }) => children))] };
  });
}

/** No names: everything there is. */
export function namedTargets(runs: readonly NamedRun[], names: readonly string[]): Targets {
  if (names.length === 0)
    return { ok: true, targets: runs.map(({ command }) => ({ command, children: [] })) };
  const targets: Target[] = [];
  for (const name of names) {
    const found = find(runs, name);
    if (found.length === 0) return { ok: false, message: `${name} is not running detached (${known(runs)})` };
    if (found.length > 1) {
      const all = found.map(({ command }) => `${command}/${name}`).join(', ');
      return { ok: false, message: `${name} is not clear: ${all}` };
    }
    targets.push(...found);
  }
  return { ok: true, targets: merged(targets) };
}
