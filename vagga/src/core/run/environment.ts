// The environment of a command, from low to high (§4.7 of the format).
import { SEARCH_PATH } from '../../config/defaults.ts';
import type { Settings } from '../../config/settings-model.ts';

type Variables = Readonly<Record<string, string | undefined>>;

export interface EnvironmentParts {
  readonly caller: Variables;
  readonly proxies: Readonly<Record<string, string>>;
  readonly file: Readonly<Record<string, string>>;
  readonly container: Readonly<Record<string, string>>;
  readonly command: Readonly<Record<string, string>>;
  readonly settings: Settings;
  /** `--env-file`, `-e` and `-E`: a value, or undefined to take a propagated one away. */
  readonly options: Variables;
  /** What vagga itself says: VAGGAOPT_ and VAGGACLI_, the names of supervised children. */
  readonly own: Readonly<Record<string, string>>;
}

const PROPAGATED = 'VAGGAENV_';

function matcher(pattern: string): RegExp {
  return new RegExp(`^${pattern.replace(/[.+?^$()|\\{}[\]]/g, '\\$&').replaceAll('*', '.*')}$`, 'u');
}

function defined(variables: Variables): [string, string][] {
  return Object.entries(variables).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]]));
}

/** What the caller hands in: matches of `propagate-environ`, then `VAGGAENV_X`, then the options. */
function handedIn({ caller, settings, options }: EnvironmentParts): Record<string, string> {
  const patterns = settings.propagateEnviron.map(matcher);
  const all = defined(caller);
  const matched = all.filter(([name]) => patterns.some(pattern => pattern.test(name)));
  const literal = all
    .filter(([name]) => name.startsWith(PROPAGATED))
    .map(([name, value]): [string, string] => [name.slice(PROPAGATED.length), value]);
  const merged: Record<string, string | undefined> = {
    ...Object.fromEntries([...matched, ...literal]),
    ...options,
  };
  return Object.fromEntries(defined(merged));
}

export function commandEnvironment(parts: EnvironmentParts): Record<string, string> {
  return {
    TERM: parts.caller.TERM ?? 'dumb',
    ...parts.proxies,
    PATH: SEARCH_PATH,
    ...parts.file,
    ...parts.container,
    ...parts.command,
    ...parts.settings.environ,
    ...handedIn(parts),
    ...parts.own,
  };
}

export type EnvironmentFile =
  | { readonly ok: true; readonly variables: Record<string, string> }
  | { readonly ok: false; readonly line: number };

/** `KEY=VALUE` per line, quotes around the value dropped; neither comments nor blank lines. */
export function parseEnvironmentFile(text: string): EnvironmentFile {
  const variables: Record<string, string> = {};
  const lines = text.replace(/\n$/, '').split('\n');
  for (const [index, line] of lines.entries()) {
    const equals = line.indexOf('=');
    if (equals < 0) return { ok: false, line: index + 1 };
    const value = line.slice(equals + 1);
    variables[line.slice(0, equals)] = value.startsWith('"') ? value.replace(/^"+|"+$/g, '') : value;
  }
  return { ok: true, variables };
}
