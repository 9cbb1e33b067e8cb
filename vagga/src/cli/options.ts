// Options before the command. Long ones exactly as spelled; parsing stops at the first word that is no option.

export interface GlobalOptions {
  readonly variables: Readonly<Record<string, string | undefined>>;
  readonly ignoreOwnerCheck: boolean;
  readonly prerequisites: boolean;
  readonly containersOnly: boolean;
  readonly isolateNetwork: boolean;
  readonly build: 'normal' | 'never' | 'no-version-check';
  readonly multi: boolean;
  readonly progress: 'auto' | 'tty' | 'plain' | 'json' | 'quiet';
}

export type ParsedOptions =
  | { readonly kind: 'run'; readonly options: GlobalOptions; readonly words: readonly string[] }
  | { readonly kind: 'help' }
  | { readonly kind: 'version' }
  | { readonly kind: 'wrong'; readonly message: string }
  /** A bad `-e` or `-E` is an error of the environment, not of the command line. */
  | { readonly kind: 'bad-environment'; readonly message: string };

type Mutable = { -readonly [K in keyof GlobalOptions]: GlobalOptions[K] };

const DEFAULTS: GlobalOptions = {
  variables: {},
  ignoreOwnerCheck: false,
  prerequisites: true,
  containersOnly: false,
  isolateNetwork: false,
  build: 'normal',
  multi: false,
  progress: 'auto',
};

const FLAGS: Readonly<Record<string, Partial<GlobalOptions>>> = {
  '--ignore-owner-check': { ignoreOwnerCheck: true },
  '--no-prerequisites': { prerequisites: false },
  '--containers-only': { containersOnly: true },
  '--isolate-network': { isolateNetwork: true },
  '--no-network': { isolateNetwork: true },
  '--no-net': { isolateNetwork: true },
  // There are no prebuilt images to download yet, so this one only has to be accepted.
  '--no-image-download': { build: 'normal' },
  '--no-build': { build: 'never' },
  '--no-version-check': { build: 'no-version-check' },
  '-m': { multi: true },
  '--run-multi': { multi: true },
};

const MODES: readonly string[] = ['auto', 'tty', 'plain', 'json', 'quiet'];
const WITH_VALUE = ['-E', '--env', '--environ', '-e', '--use-env', '--progress'];

interface Taken {
  readonly name: string;
  readonly value: string;
  readonly used: number;
}

/** `--opt value`, `--opt=value`, `-o value`, `-ovalue`. */
function takeValue(argv: readonly string[], at: number): Taken | string | undefined {
  const word = argv[at] as string;
  const long = word.startsWith('--');
  const equals = word.indexOf('=');
  const name = long ? (equals < 0 ? word : word.slice(0, equals)) : word.slice(0, 2);
  if (!WITH_VALUE.includes(name)) return undefined;
  if (long && equals >= 0) return { name, value: word.slice(equals + 1), used: 1 };
  if (!long && word.length > 2) return { name, value: word.slice(2), used: 1 };
  const next = argv[at + 1];
  return next === undefined
    ? `Option [${JSON.stringify(name)}] requires an argument`
    : { name, value: next, used: 2 };
}

const CANNOT_HAVE_EQUALS =
  "Error propagating environment: Environment variable name (for option `-e`/`--use-env`) can't contain equals `=` " +
  'character. To set key-value pair use `-E`/`--environ` option';

function applyValue(
  options: Mutable,
  { name, value }: Taken,
  caller: NodeJS.ProcessEnv,
): ParsedOptions | undefined {
  if (name === '--progress') {
    if (!MODES.includes(value)) return { kind: 'wrong', message: `--progress is one of ${MODES.join(', ')}` };
    options.progress = value as GlobalOptions['progress'];
    return undefined;
  }
  const equals = value.indexOf('=');
  if (name === '-e' || name === '--use-env') {
    if (equals >= 0) return { kind: 'bad-environment', message: CANNOT_HAVE_EQUALS };
    options.variables = { ...options.variables, [value]: caller[value] ?? '' };
  } else {
    const key = equals < 0 ? value : value.slice(0, equals);
    options.variables = { ...options.variables, [key]: equals < 0 ? undefined : value.slice(equals + 1) };
  }
  return undefined;
}

export function parseOptions(argv: readonly string[], caller: NodeJS.ProcessEnv): ParsedOptions {
  const options: Mutable = { ...DEFAULTS };
  let bad: ParsedOptions | undefined;
  for (let at = 0; at < argv.length; ) {
    const word = argv[at] as string;
    if (word === '-h' || word === '--help') return { kind: 'help' };
    if (word === '-V' || word === '--version') return { kind: 'version' };
    if (!word.startsWith('-') || word === '-') return bad ?? { kind: 'run', options, words: argv.slice(at) };
    const taken = takeValue(argv, at);
    const flag = FLAGS[word];
    if (typeof taken === 'string') return bad ?? { kind: 'wrong', message: taken };
    if (taken !== undefined) bad ??= applyValue(options, taken, caller);
    else if (flag !== undefined) Object.assign(options, flag);
    else bad ??= unknown(word);
    at += taken?.used ?? 1;
  }
  return bad ?? { kind: 'run', options, words: [] };
}

function unknown(word: string): ParsedOptions {
  const name = word.split('=', 1)[0] as string;
  if (word.startsWith('--') && FLAGS[name] !== undefined) {
    return { kind: 'wrong', message: `Option ${name} does not accept an argument` };
  }
  const message = word.startsWith('--')
    ? `Unknown option ${word}`
    : `Unknown short option ${JSON.stringify(word[1])}`;
  return { kind: 'wrong', message };
}

export const USAGE = 'Usage:\n  vagga [OPTIONS] [COMMAND] [ARGS ...]\n';

export const HELP = `${USAGE}
Runs a command of the project in its container, building the container when it
is missing or out of date. Without a command: lists the commands.

Examples:
  vagga                        what can be done in this project
  vagga test -k name           run the command "test" with arguments
  vagga _run NAME bash         a shell in a container
  vagga _build NAME            build a container
  vagga -m lint test           several commands, one after another

Optional arguments:
  -h,--help             Show this help message and exit
  -V,--version          Show version and exit
  -E,--env,--environ NAME=VALUE
                        Set an environment variable of the command
  -e,--use-env VAR      Hand in a variable of the caller's environment
  --ignore-owner-check  Run although the project belongs to somebody else
  --no-prerequisites    Run only what is named
  --containers-only     Build the containers, run nothing
  --isolate-network,--no-network,--no-net
                        Run with a loopback network only
  --no-build            Fail with code 29 when a container is out of date
  --no-version-check    Run in the container built last, whatever it is
  -m,--run-multi        The words are commands to run one after another
  --progress MODE       auto, tty, plain, json or quiet: how builds are shown

Built-in commands: _list _build _run _version_hash _base_dir _relative_work_dir
The format of vagga.yaml: docs/config.md of this package.
`;
