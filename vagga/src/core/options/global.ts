// Options before the command (§4.2, and some of our own).
import { BUILD_MODES, type BuildMode, buildMode } from './build-modes.ts';
import { type Given, has, parseCommandLine, valuesOf, wrongText } from './parse.ts';
import { type CommandLineSpec, flag, valued } from './spec.ts';

const MODES = ['auto', 'tty', 'plain', 'json', 'quiet'] as const;

export interface GlobalOptions {
  /** `-E` and `-e` as written; what they mean depends on the caller's environment. */
  readonly assigned: readonly string[];
  readonly copied: readonly string[];
  readonly envFiles: readonly string[];
  readonly ignoreOwnerCheck: boolean;
  readonly prerequisites: boolean;
  readonly containersOnly: boolean;
  readonly isolateNetwork: boolean;
  readonly build: BuildMode;
  readonly multi: boolean;
  readonly detach: boolean;
  readonly explain: boolean;
  /** Containers built at once. */
  readonly jobs?: number;
  readonly progress: (typeof MODES)[number];
}

export const GLOBAL: CommandLineSpec = {
  name: 'vagga',
  description:
    'Runs a command of the project in its container, building the container when it is missing or out of date. ' +
    'Without a command: lists the commands.',
  options: [
    flag('version', ['-V', '--version'], 'Show the version and exit', { immediate: true }),
    valued(
      'assigned',
      ['-E', '--env', '--environ'],
      'NAME=VALUE',
      'Set an environment variable of the command',
      {
        repeats: true,
      },
    ),
    valued('copied', ['-e', '--use-env'], 'VAR', "Hand in a variable of the caller's environment", {
      repeats: true,
    }),
    flag('ignore-owner-check', ['--ignore-owner-check'], 'Run although the project belongs to somebody else'),
    flag('no-prerequisites', ['--no-prerequisites'], 'Run only what is named'),
    flag('containers-only', ['--containers-only'], 'Build the containers, run nothing'),
    ...BUILD_MODES,
    flag('no-network', ['--no-net', '--no-network', '--isolate-network'], 'Run with a loopback network only'),
    flag(
      'detach',
      ['-d', '--detach'],
      'Start the command and leave it running: see _ps, _logs, _exec, _stop',
    ),
    flag('multi', ['-m', '--run-multi'], 'The words are commands to run one after another'),
    valued('jobs', ['-j', '--jobs'], 'N', 'Build as many containers at once'),
    valued('progress', ['--progress'], 'MODE', `How builds are shown: ${MODES.join(', ')}`),
    valued(
      'environ-file',
      ['--env-file', '--environ-file'],
      'FILE',
      'Set the variables of a file (lines NAME=VALUE)',
      {
        repeats: true,
      },
    ),
    flag('explain', ['--explain'], 'Say what would be built and run, and do nothing'),
  ],
  positionals: [
    {
      name: 'command',
      takes: 'optional',
      help: 'A command of the project, or one of vagga itself (_list --all)',
    },
    { name: 'args', takes: 'list', help: 'Arguments of the command' },
  ],
  stopsAtWord: true,
  epilogue: `Examples:
  vagga                        what can be done in this project
  vagga test -k name           run the command "test" with arguments
  vagga _run NAME bash         a shell in a container
  vagga _build NAME            build a container
  vagga -m lint test           several commands, one after another`,
};

export type ParsedGlobal =
  | { readonly kind: 'run'; readonly options: GlobalOptions; readonly words: readonly string[] }
  | { readonly kind: 'help'; readonly text: string }
  | { readonly kind: 'version' }
  | { readonly kind: 'wrong'; readonly text: string };

function problemOf(given: readonly Given[]): string | undefined {
  const progress = valuesOf(given, 'progress').find(value => !(MODES as readonly string[]).includes(value));
  if (progress !== undefined)
    return `Bad value ${JSON.stringify(progress)} for --progress: ${MODES.join(', ')}`;
  const jobs = valuesOf(given, 'jobs').find(value => !/^[1-9]\d{0,2}$/.test(value));
  return jobs === undefined
    ? undefined
    : `Bad value ${JSON.stringify(jobs)} for --jobs: a number from 1 to 999`;
}

function optionsOf(given: readonly Given[]): GlobalOptions {
  const jobs = valuesOf(given, 'jobs').at(-1);
  return {
    assigned: valuesOf(given, 'assigned'),
    copied: valuesOf(given, 'copied'),
    envFiles: valuesOf(given, 'environ-file'),
    ignoreOwnerCheck: has(given, 'ignore-owner-check'),
    prerequisites: !has(given, 'no-prerequisites'),
    containersOnly: has(given, 'containers-only'),
    isolateNetwork: has(given, 'no-network'),
    build: buildMode(given, 'normal'),
    multi: has(given, 'multi'),
    detach: has(given, 'detach'),
    explain: has(given, 'explain'),
    progress: (valuesOf(given, 'progress').at(-1) ?? 'auto') as GlobalOptions['progress'],
    ...(jobs !== undefined && { jobs: Number(jobs) }),
  };
}

/** As if no option were given. */
export const DEFAULT_OPTIONS: GlobalOptions = optionsOf([]);

/** With `-m` dashes are still options up to the first command. */
export function parseGlobal(argv: readonly string[]): ParsedGlobal {
  const line = parseCommandLine(GLOBAL, argv);
  if (line.kind === 'immediate') return { kind: 'version' };
  if (line.kind !== 'parsed') return line;
  const problem = problemOf(line.given);
  if (problem !== undefined) return { kind: 'wrong', text: wrongText(GLOBAL, problem) };
  return { kind: 'run', options: optionsOf(line.given), words: line.words };
}
