// The project's config: the main file, the local mixins and the files they name, merged entry by entry.
import { type Diagnostic, decode } from '@suite/shared/schema/index.ts';
import { parseYaml, type YamlNode } from '@suite/shared/yaml/index.ts';
import { toProject } from './decode.ts';
import { LOCAL_MIXINS } from './defaults.ts';
import { formatErrors } from './errors.ts';
import type { Project } from './model.ts';
import { projectSchema } from './project-schema.ts';
import { projectProblem } from './references.ts';
import { COMPATIBLE_VERSION, compareVersions } from './version.ts';

/** Reads a text file by absolute path; undefined when absent. Remembers what it read for the cache's freshness check. */
export type ReadFile = (path: string) => string | undefined;

export interface Loaded {
  readonly project: Project;
  /** Mixins that were skipped, with the reason. */
  readonly warnings: readonly string[];
}

export type LoadResult =
  | { readonly ok: true; readonly value: Loaded }
  | { readonly ok: false; readonly text: string };

/** Mixins naming mixins: deeper than this is a loop or a mistake. */
const MIXIN_DEPTH_MAX = 16;

interface ParsedFile {
  readonly project: Project;
  readonly mixins: readonly string[];
}

type FileResult =
  | { readonly ok: true; readonly value: ParsedFile }
  | { readonly ok: false; readonly errors: readonly Diagnostic[] };

const directoryOf = (path: string) => path.slice(0, path.lastIndexOf('/'));

/** Plain components only: no `..`, no absolute path, no leading `./`. */
const isPlain = (path: string) => path.split('/').every(part => part !== '' && part !== '.' && part !== '..');

function includeReader(read: ReadFile) {
  return (path: string, from: string) => {
    if (!isPlain(path)) return { error: `only plain relative paths can be included, not ${path}` };
    const file = `${directoryOf(from)}/${path}`;
    const text = read(file);
    return text === undefined ? { error: `${file} does not exist` } : { file, text };
  };
}

function tooOld(file: string, wanted: string, at: { line: number; column: number }): Diagnostic {
  return {
    code: 'minimum-vagga',
    severity: 'error',
    message: `Please upgrade vagga to at least ${JSON.stringify(wanted)}`,
    file,
    line: at.line,
    column: at.column,
  };
}

function parseFile(file: string, text: string, read: ReadFile): FileResult {
  const tree = parseYaml(text, { file, include: includeReader(read) });
  if (!tree.ok) return tree;
  const raw = decode(projectSchema, tree.value);
  const minimum = minimumVersion(tree.value);
  const old =
    minimum !== undefined && compareVersions(COMPATIBLE_VERSION, minimum.text) < 0
      ? [tooOld(file, minimum.text, minimum)]
      : [];
  if (!raw.ok) return { ok: false, errors: [...old, ...raw.errors] };
  if (old.length > 0) return { ok: false, errors: old };
  return {
    ok: true,
    value: { project: toProject(raw.value, file), mixins: raw.value.mixins.map(item => item.value) },
  };
}

/** Read from the tree, so that an old program says so even when it does not understand the rest. */
function minimumVersion(tree: YamlNode) {
  if (tree.kind !== 'mapping') return undefined;
  const entry = tree.entries.find(({ key }) => key.text.replaceAll('_', '-') === 'minimum-vagga');
  return entry?.value.kind === 'scalar' ? entry.value : undefined;
}

function merge(over: Project, under: Project): Project {
  return {
    containers: { ...under.containers, ...over.containers },
    commands: { ...under.commands, ...over.commands },
  };
}

const NOTHING: Project = { containers: {}, commands: {} };

class Loader {
  readonly warnings: string[] = [];
  readonly #read: ReadFile;

  constructor(read: ReadFile) {
    this.#read = read;
  }

  /** Later mixins win over earlier ones, each over the mixins it names itself. */
  withMixins(file: string, parsed: ParsedFile, depth: number): Project {
    const under = parsed.mixins.reduce((project, path) => {
      const mixin = `${directoryOf(file)}/${path}`;
      return merge(
        this.mixin(mixin, isPlain(path) ? undefined : 'not a plain relative path', depth + 1),
        project,
      );
    }, NOTHING);
    return merge(parsed.project, under);
  }

  mixin(file: string, problem: string | undefined, depth: number): Project {
    const text = problem === undefined ? this.#read(file) : undefined;
    if (text === undefined) return this.#skip(problem ?? `${file}: Error reading file: it does not exist`);
    if (depth > MIXIN_DEPTH_MAX) return this.#skip(`${file}: mixins are nested too deeply`);
    const parsed = parseFile(file, text, this.#read);
    if (!parsed.ok) return this.#skip(formatErrors(parsed.errors).trimEnd());
    return this.withMixins(file, parsed.value, depth);
  }

  #skip(reason: string): Project {
    this.warnings.push(`Skipping mixin because of error. Error: ${reason}`);
    return NOTHING;
  }

  local(root: string): Project {
    return LOCAL_MIXINS.map(name => `${root}/${name}`)
      .filter(file => this.#read(file) !== undefined)
      .reduce((project, file) => merge(this.mixin(file, undefined, 0), project), NOTHING);
  }
}

/** `mainFile` absolute, or undefined when only local mixins make the project; `root` is the project directory. */
export function loadProject(root: string, mainFile: string | undefined, read: ReadFile): LoadResult {
  const text = mainFile === undefined ? '' : read(mainFile);
  if (text === undefined) return { ok: false, text: `${mainFile}: Error reading file: it disappeared\n\n` };
  const file = mainFile ?? `${root}/vagga.yaml`;
  const parsed = parseFile(file, text, read);
  if (!parsed.ok) return { ok: false, text: formatErrors(parsed.errors) };
  const loader = new Loader(read);
  const local = loader.local(root);
  const main = loader.withMixins(file, parsed.value, 0);
  const project = merge(parsed.value.project, merge(local, main));
  const problem = projectProblem(project);
  if (problem !== undefined) return { ok: false, text: `${problem}\n\n` };
  return { ok: true, value: { project, warnings: loader.warnings } };
}
