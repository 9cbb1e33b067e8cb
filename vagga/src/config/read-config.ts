// One config file: its entries and the mixins it names.
import type { Diagnostic, Result } from '@suite/shared/schema/index.ts';
import type { IncludeFile, YamlNode } from '@suite/shared/yaml/index.ts';
import { toProject } from './decode.ts';
import type { Project } from './model.ts';
import { projectSchema } from './project-schema.ts';
import { readDocument } from './read-document.ts';
import { COMPATIBLE_VERSION, compareVersions } from './version.ts';

/** A file that is there and cannot be read. */
export interface Unreadable {
  readonly error: string;
}

/** Reads a text file by absolute path; undefined when absent. Remembers what it read for the cache's freshness check. */
export type ReadFile = (path: string) => string | Unreadable | undefined;

export interface ConfigFile {
  readonly project: Project;
  /** As written, relative to the file. */
  readonly mixins: readonly string[];
}

export const directoryOf = (path: string): string => path.slice(0, path.lastIndexOf('/'));

/** Plain components only: no `..`, no absolute path, no leading `./`, nothing that a terminal would not show. */
export const isPlain = (path: string): boolean =>
  path.split('/').every(part => part !== '' && part !== '.' && part !== '..') && !/\p{Cc}/u.test(path);

function includeReader(read: ReadFile): IncludeFile {
  return (path, from) => {
    const file = `${directoryOf(from)}/${path}`;
    const text = read(file);
    if (typeof text === 'string') return { file, text };
    return { error: `${file}: Error reading file: ${text?.error ?? 'it does not exist'}` };
  };
}

/** Read from the tree, so that an old program says so even when it does not understand the rest. */
function minimumVersion(root: YamlNode) {
  if (root.kind !== 'mapping') return undefined;
  const entry = root.entries.find(({ key }) => key.text.replaceAll('_', '-') === 'minimum-vagga');
  return entry?.value.kind === 'scalar' ? entry.value : undefined;
}

function tooOld(root: YamlNode): Diagnostic[] {
  const wanted = minimumVersion(root);
  if (wanted === undefined || compareVersions(COMPATIBLE_VERSION, wanted.text) >= 0) return [];
  const { file, line, column, text } = wanted;
  const message = `Please upgrade vagga to at least ${JSON.stringify(text)}`;
  return [{ code: 'minimum-vagga', severity: 'error', message, file, line, column }];
}

export const isTooOld = (errors: readonly Diagnostic[]): boolean => errors[0]?.code === 'minimum-vagga';

/** All errors of the file and of what it includes; a too old program is the first of them. */
export function readConfig(file: string, text: string, read: ReadFile): Result<ConfigFile> {
  const raw = readDocument(projectSchema, file, text, includeReader(read), tooOld);
  if (!raw.ok) return raw;
  const mixins = raw.value.mixins.map(item => item.value);
  return { ok: true, value: { project: toProject(raw.value, file), mixins }, warnings: [] };
}
