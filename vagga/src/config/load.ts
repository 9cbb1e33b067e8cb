// The project's config: the main file, the local mixins and the files they name, merged entry by entry.
import { formatErrors } from './errors.ts';
import { Mixins } from './mixins.ts';
import type { Project } from './model.ts';
import { type ReadFile, readConfig } from './read-config.ts';
import { projectProblem } from './references.ts';

export interface Loaded {
  readonly project: Project;
  /** Mixins that were skipped, with the reason. */
  readonly warnings: readonly string[];
}

export type LoadResult =
  | { readonly ok: true; readonly value: Loaded }
  | { readonly ok: false; readonly text: string };

const unread = (file: string, error: string): LoadResult => ({
  ok: false,
  text: `${file}: Error reading file: ${error}\n\n`,
});

/** `mainFile` absolute, or undefined when only local mixins make the project; `root` is the project directory. */
export function loadProject(root: string, mainFile: string | undefined, read: ReadFile): LoadResult {
  const file = mainFile ?? `${root}/vagga.yaml`;
  const loaded = loadFile(file, mainFile === undefined ? '' : read(file), root, read);
  if (!loaded.ok) return loaded;
  const problem = projectProblem(loaded.value.project);
  return problem === undefined ? loaded : { ok: false, text: `${problem}\n\n` };
}

function loadFile(file: string, text: ReturnType<ReadFile>, directory: string, read: ReadFile): LoadResult {
  if (typeof text !== 'string') return unread(file, text?.error ?? 'it does not exist');
  const config = readConfig(file, text, read);
  if (!config.ok) return { ok: false, text: formatErrors(config.errors) };
  const mixins = new Mixins(read);
  const project = mixins.complete(file, config.value, directory);
  return { ok: true, value: { project, warnings: mixins.warnings } };
}

/**
 * The config that a `!SubConfig` names: undefined when the file is not there (yet). Its containers have the usual ids; whether those that
 * its steps name exist is a question to the main config. Local mixins beside the file count.
 */
export function loadSubConfig(file: string, read: ReadFile): LoadResult | undefined {
  const text = read(file);
  return text === undefined ? undefined : loadFile(file, text, file.slice(0, file.lastIndexOf('/')), read);
}
