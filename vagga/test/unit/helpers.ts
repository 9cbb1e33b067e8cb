// Configs and trees from text, without a disk.
import { createHash } from 'node:crypto';
import { loadProject } from '../../src/config/load.ts';
import type { Project } from '../../src/config/model.ts';
import type { HashWorld } from '../../src/core/image/emit.ts';
import { writeIdentity } from '../../src/core/image/identity.ts';
import type { FileStat, TreeReader } from '../../src/core/image/tree.ts';

const MAIN = '/project/vagga.yaml';

/** Loads `files` (name below /project → text); throws with the error text when the config is wrong. */
export function project(text: string, files: Record<string, string> = {}): Project {
  const loaded = load(text, files);
  if (!loaded.ok) throw new Error(loaded.text);
  return loaded.value.project;
}

export function load(text: string, files: Record<string, string> = {}) {
  const all = new Map(Object.entries(files).map(([name, content]) => [`/project/${name}`, content]));
  all.set(MAIN, text);
  return loadProject('/project', MAIN, path => all.get(path));
}

/** `path` → mode and content; a string alone is a file 0644. Directories appear by themselves. */
export interface MemoryFile {
  readonly mode?: number;
  readonly text: string;
}

export class MemoryTree implements TreeReader {
  readonly #files: ReadonlyMap<string, MemoryFile>;
  readonly #directoryMode: number;

  constructor(files: Record<string, string | MemoryFile>, directoryMode = 0o755) {
    const entries = Object.entries(files).map(([path, file]): [string, MemoryFile] => [
      path,
      typeof file === 'string' ? { text: file } : file,
    ]);
    this.#files = new Map(entries);
    this.#directoryMode = directoryMode;
  }

  lstat(path: string): FileStat | undefined {
    const owner = { uid: 0, gid: 0 };
    const file = this.#files.get(path);
    if (file !== undefined) return { kind: 'file', mode: file.mode ?? 0o644, ...owner };
    return this.list(path).length > 0
      ? { kind: 'directory', mode: this.#directoryMode, ...owner }
      : undefined;
  }

  list(path: string): readonly string[] {
    const below = [...this.#files.keys()].filter(name => name.startsWith(`${path}/`));
    return [...new Set(below.map(name => name.slice(path.length + 1).split('/', 1)[0] as string))];
  }

  stat(path: string): FileStat | undefined {
    return this.lstat(path);
  }

  pieces(path: string): Iterable<Uint8Array> {
    return [Buffer.from(this.#files.get(path)?.text ?? '')];
  }

  readText(path: string): string | undefined {
    return this.#files.get(path)?.text;
  }

  readLink(): string {
    throw new Error('no links here');
  }
}

const none = { kind: 'not-ready', message: 'nothing is built here' } as const;

/** Short hash of container `name`, or why there is none. `world`: what stands outside of the config and `tree`. */
export function shortHash(
  config: string,
  name = 'c',
  tree: TreeReader = new MemoryTree({}),
  world: Partial<HashWorld> = {},
): string {
  const { containers } = project(config);
  const container = containers[name];
  if (container === undefined) throw new Error(`no container ${name}`);
  const digest = createHash('blake2b512');
  const sink = { write: (data: string | Uint8Array) => void digest.update(data) };
  const outside = { describe: () => '', otherContainer: () => none, image: () => none, ...world };
  const identity = writeIdentity(sink, container, { containers, tree, ...outside });
  return identity.kind === 'written'
    ? digest.digest('hex').slice(0, 8)
    : `${identity.kind}: ${identity.message}`;
}

/** The stream that is hashed, without the id ranges; NUL as `|`. Or why there is none. */
export function stream(
  config: string,
  tree: TreeReader = new MemoryTree({}),
  world: Partial<HashWorld> = {},
): string {
  const { containers } = project(config);
  const { c } = containers;
  if (c === undefined) throw new Error('no container c');
  let text = '';
  const sink = {
    write(data: string | Uint8Array) {
      text += Buffer.from(data).toString();
    },
  };
  const outside = { describe: () => '', otherContainer: () => none, image: () => none, ...world };
  const identity = writeIdentity(sink, c, { containers, tree, ...outside });
  if (identity.kind !== 'written') return `${identity.kind}: ${identity.message}`;
  return text.replaceAll('\0', '|').replace('uids|0-65536|gids|0-65536|', '');
}
