// What may stand at the cursor (§4.5). Existing scripts are promised exact lists; `everything` adds what is our own.
import type { Command, Project, SuperviseCommand } from '../../config/model.ts';
import { superviseSpec } from '../supervise/spec.ts';
import { describedNames } from './described.ts';
import { GLOBAL } from './global.ts';
import type { OptionSpec } from './spec.ts';

type WordsOf = 'nothing' | 'containers' | 'runnable' | 'commands';

type CompletableOption = Pick<OptionSpec, 'names' | 'takes'> & { readonly repeats?: boolean };

export interface Completable {
  readonly name: string;
  readonly options: readonly CompletableOption[];
  /** What its first word is. */
  readonly words: WordsOf;
  /** Further words are of the same kind. */
  readonly many?: boolean;
}

export interface CompletionWorld {
  readonly project: Project;
  /** Built-in commands as they are. */
  readonly own: readonly Completable[];
  readonly everything: boolean;
}

const flags = (...groups: readonly string[]): CompletableOption[] =>
  groups.map(group => ({ names: group.split(' '), takes: 'nothing' }));
const value = (names: string, repeats = false): CompletableOption => ({
  names: names.split(' '),
  takes: 'one',
  repeats,
});

const MODES = flags('--no-image-download', '--no-build', '--no-version-check');
const GLOBAL_PROMISED: readonly CompletableOption[] = [
  ...flags('-V --version'),
  value('-E --env --environ', true),
  value('-e --use-env', true),
  ...flags('--ignore-owner-check'),
  ...MODES,
  ...flags('--no-net --no-network --isolate-network'),
];

/** The built-in commands that scripts of old know, in their order. */
const PROMISED: readonly Completable[] = [
  { name: '_build', options: flags('--force'), words: 'containers' },
  { name: '_build_shell', options: [], words: 'containers' },
  {
    name: '_clean',
    options: flags(
      '--tmp --tmp-folders',
      '--old --old-containers',
      '--unused',
      '--transient',
      '--global',
      '-n --dry-run',
    ),
    words: 'nothing',
  },
  { name: '_create_netns', options: flags('--dry-run', '--no-iptables'), words: 'nothing' },
  { name: '_destroy_netns', options: flags('--dry-run', '--no-iptables'), words: 'nothing' },
  { name: '_init_storage_dir', options: [], words: 'nothing' },
  { name: '_list', options: [], words: 'nothing' },
  {
    name: '_pack_image',
    options: [value('-f --file'), ...flags('-z --gzip', '-j --bzip2', '-J --xz'), ...MODES],
    words: 'containers',
  },
  { name: '_push_image', options: MODES, words: 'containers' },
  { name: '_run', options: [...flags('-W --writable'), ...MODES], words: 'runnable' },
  { name: '_run_in_netns', options: [value('--pid'), ...MODES], words: 'runnable' },
  { name: '_version_hash', options: flags('-s --short', '-fd3'), words: 'containers' },
  { name: '_check_overlayfs_support', options: [], words: 'nothing' },
  { name: '_base_dir', options: [], words: 'nothing' },
  { name: '_relative_work_dir', options: [], words: 'nothing' },
  { name: '_update_symlinks', options: [], words: 'nothing' },
];

const SUPERVISE: readonly CompletableOption[] = [
  { names: ['--only'], takes: 'many' },
  { names: ['--exclude'], takes: 'many' },
  ...MODES,
];

const byName = <T>(items: Readonly<Record<string, T>>): [string, T][] =>
  Object.entries(items).sort(([a], [b]) => (a < b ? -1 : 1));

/** Names of the options that may still come. */
function remaining(options: readonly CompletableOption[], used: readonly CompletableOption[]): string[] {
  return options.filter(option => option.repeats || !used.includes(option)).flatMap(({ names }) => names);
}

interface Scanned {
  readonly used: readonly CompletableOption[];
  readonly words: readonly string[];
  /** The option that the next word belongs to, with what it has got. */
  readonly open?: { readonly option: CompletableOption; readonly values: readonly string[] };
}

/** Words of an unfinished command line by its options; unknown options are passed over. */
function scan(options: readonly CompletableOption[], line: readonly string[], stopsAtWord: boolean): Scanned {
  const used: CompletableOption[] = [];
  const words: string[] = [];
  let open: { option: CompletableOption; values: string[] } | undefined;
  for (const [index, word] of line.entries()) {
    if (word.startsWith('-')) {
      const option = options.find(({ names }) => names.includes(word.split('=', 1)[0] as string));
      if (option !== undefined) used.push(option);
      open =
        option === undefined || option.takes === 'nothing' || word.includes('=')
          ? undefined
          : { option, values: [] };
    } else if (open !== undefined) {
      open.values.push(word);
      if (open.option.takes === 'one') open = undefined;
    } else if (stopsAtWord) return { used, words: line.slice(index) };
    else words.push(word);
  }
  return { used, words, ...(open !== undefined && { open }) };
}

class Completer {
  readonly #world: CompletionWorld;
  readonly #current: string;

  constructor(world: CompletionWorld, current: string) {
    this.#world = world;
    this.#current = current;
  }

  line(before: readonly string[]): readonly string[] {
    const options = this.#world.everything ? GLOBAL.options : GLOBAL_PROMISED;
    // What is not offered may be typed all the same.
    const scanned = scan([...options, ...GLOBAL.options], before, true);
    if (scanned.open !== undefined) return [];
    const [name, ...rest] = scanned.words;
    if (name === undefined) {
      const builtins = this.#current.startsWith('_') ? this.#builtins().map(item => item.name) : [];
      return [...this.#commands(), ...builtins, ...this.#dashed(remaining(options, scanned.used))];
    }
    const builtin = this.#builtins().find(item => item.name === name);
    if (builtin !== undefined) return this.#builtin(builtin, rest);
    const { commands } = this.#world.project;
    if (scanned.used.some(({ names }) => names.includes('-m'))) return this.#commands();
    const command = commands[name] ?? Object.values(commands).find(({ aliases }) => aliases.includes(name));
    return command === undefined ? [] : this.#command(name, command, rest);
  }

  #dashed(names: readonly string[]): readonly string[] {
    return this.#current.startsWith('-') ? names : [];
  }

  #commands(): string[] {
    const names = byName(this.#world.project.commands).map(([name]) => name);
    return names.filter(name => !name.startsWith('_') || this.#current.startsWith('_'));
  }

  #builtins(): Completable[] {
    const own = this.#world.own;
    const promised = PROMISED.map(item => {
      const real = own.find(({ name }) => name === item.name);
      return real === undefined ? item : { ...real, words: item.words };
    });
    return [...promised, ...own.filter(item => PROMISED.every(({ name }) => name !== item.name))];
  }

  #builtin(builtin: Completable, rest: readonly string[]): string[] {
    const many = builtin.many === true;
    const { used, words, open } = scan(builtin.options, rest, !many);
    if (open !== undefined || (words.length > 0 && !many)) return [];
    const offered = this.#words(builtin.words).filter(word => !words.includes(word));
    return [...offered, ...this.#dashed(remaining(builtin.options, used))];
  }

  #words(kind: WordsOf): string[] {
    if (kind === 'nothing') return [];
    if (kind === 'commands') return this.#commands();
    return byName(this.#world.project.containers)
      .filter(([, container]) => kind === 'containers' || container.dataDirs.length === 0)
      .map(([name]) => name);
  }

  #command(name: string, command: Command, rest: readonly string[]): readonly string[] {
    if (command.options !== undefined) return this.#dashed(describedNames(name, command));
    return command.kind === 'supervise' ? this.#supervise(name, command, rest) : [];
  }

  #supervise(name: string, command: SuperviseCommand, rest: readonly string[]): string[] {
    const known = this.#world.everything ? superviseSpec(name, command).options : SUPERVISE;
    const { used, open } = scan(known, rest, false);
    const options = remaining(known, used);
    if (open === undefined) return options;
    const names = byName(command.children).flatMap(([name, { tags }]) => [name, ...tags]);
    const all = [...new Set(names)].sort().filter(name => !open.values.includes(name));
    return [...all, ...this.#dashed(options)];
  }
}

/** `before`: finished words without the program; `current`: the beginning of the word at the cursor. */
export function complete(world: CompletionWorld, before: readonly string[], current: string): string[] {
  return new Completer(world, current).line(before).filter(word => word.startsWith(current));
}
