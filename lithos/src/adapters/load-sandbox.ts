// Reads everything of one sandbox (its file, its process file, the container files in its images) and checks it whole.
import { dirname, join, resolve } from 'node:path';
import type { Disk } from '@suite/shared/ports/index.ts';
import type { Diagnostic } from '@suite/shared/schema/index.ts';
import type { YamlNode } from '@suite/shared/yaml/index.ts';
import { LIMITS } from '../config/defaults.ts';
import { diagnostic, locate } from '../config/locate.ts';
import { NAME, type ProcessEntry, processEntrySchema } from '../config/process.ts';
import { sandboxSchema } from '../config/sandbox.ts';
import { checkEntries } from '../core/desired/checks/entry.ts';
import type { CheckedSandbox } from '../core/desired/checks/host.ts';
import { ADDRESS_MISSING } from '../core/desired/checks/network.ts';
import { checkSandbox } from '../core/desired/checks/sandbox.ts';
import { desiredSandbox } from '../core/desired/instances.ts';
import type { EntrySources, Parsed, SandboxSources } from '../core/desired/sources.ts';
import type { DesiredSandbox } from '../core/desired/types.ts';
import { checkImage } from './check-image.ts';
import { type Round, readEntry, Seen } from './load-entry.ts';
import type { HostPaths } from './paths.ts';
import { decodeNode, problem, readConfig, readYaml, type Texts } from './read-yaml.ts';

export interface LoadedSandbox {
  readonly name: string;
  /** Errors and warnings of every file of the sandbox. */
  readonly diagnostics: readonly Diagnostic[];
  /** The instances of the entries without errors; undefined when the sandbox file itself is bad. */
  readonly desired: DesiredSandbox | undefined;
  /** False when any error was found. */
  readonly ok: boolean;
  /** Where lithos_switch writes; undefined when the sandbox file is bad. */
  readonly processFile: string | undefined;
  /** For the rules between sandboxes; undefined as `desired`. */
  readonly checked: CheckedSandbox | undefined;
}

export function isError(item: Diagnostic): boolean {
  return item.severity === 'error';
}

function byPlace(a: Diagnostic, b: Diagnostic): number {
  if (a.file !== b.file) return a.file < b.file ? -1 : 1;
  return a.line - b.line || a.column - b.column;
}

/** Splits the process file into entries that can be used and errors; one bad entry does not hide the others. */
function decodeEntries(node: YamlNode, found: Diagnostic[]): Record<string, ProcessEntry> {
  if (node.kind === 'null' && !node.explicit) return {};
  if (node.kind !== 'mapping') {
    found.push(
      diagnostic('wrong-type', 'error', 'a mapping of process names is expected here', locate(node, [])),
    );
    return {};
  }
  if (node.entries.length > LIMITS.processesMax) {
    found.push(
      diagnostic('too-many', 'error', `more than ${LIMITS.processesMax} processes`, locate(node, [])),
    );
    return {};
  }
  const entries: Record<string, ProcessEntry> = {};
  for (const { key, value } of node.entries) {
    const decoded = decodeNode(processEntrySchema, value);
    if (!NAME.test(key.text)) {
      const message = `\`${key.text}\` is no process name: letters, digits, \`_\` and \`-\` only`;
      found.push(diagnostic('bad-name', 'error', message, locate(key, [])));
    } else if (decoded.ok) entries[key.text] = decoded.value.value;
    if (!decoded.ok) found.push(...decoded.errors);
  }
  return entries;
}

/** Whoever replaces the whole directory moves it away first, and a disk may not be mounted yet: neither may stop everything. */
export async function directoryGone(disk: Disk, file: string): Promise<Diagnostic | undefined> {
  const directory = dirname(file);
  const listed = await disk.list(directory).catch(() => []);
  if (listed !== undefined) return undefined;
  return problem('no-directory', file, `${directory} does not exist: make it, empty if nothing is to run`);
}

interface ProcessFile {
  readonly processes: Parsed<Record<string, ProcessEntry>>;
  readonly hasProcesses: boolean;
}

async function readProcesses(
  round: Round,
  installed: string,
  file: string,
): Promise<ProcessFile | undefined> {
  const read = await readYaml(round.disk, file, round.texts);
  if (read.ok) {
    const processes = { value: decodeEntries(read.value, round.found), node: read.value };
    return { processes, hasProcesses: true };
  }
  const missing = read.errors.every(error => error.code === 'file-missing');
  if (!missing || file !== installed) {
    round.found.push(...read.errors);
    return undefined;
  }
  const gone = await directoryGone(round.disk, file);
  if (gone !== undefined) {
    round.found.push(gone);
    return undefined;
  }
  round.found.push(
    problem('no-processes', file, `${file} does not exist: nothing of this sandbox runs`, 'warning'),
  );
  const node: YamlNode = { kind: 'mapping', entries: [], file, line: 1, column: 1 };
  return { processes: { value: {}, node }, hasProcesses: false };
}

/** An image that cannot be looked at (no rights, a broken disk) is an error of the entry, not the end of the reader. */
function unreadable({ node }: SandboxSources['processes'], process: string, error: Error): Diagnostic {
  return diagnostic('image-unreadable', 'error', error.message, locate(node, [process, 'image']));
}

/** Entries with one image and container file need the same of it: it is looked at once. */
type ImageChecks = Map<string, Promise<readonly Diagnostic[]>>;

function imageProblems(round: Round, sources: SandboxSources, entry: EntrySources, seen: ImageChecks) {
  const key = `${entry.imageRoot}\0${entry.entry.config}`;
  const known = seen.get(key);
  if (known !== undefined) return known;
  const asked = checkImage(round, sources, entry).catch((error: Error) => [
    unreadable(sources.processes, entry.process, error),
  ]);
  seen.set(key, asked);
  return asked;
}

/** The entries that can run; an instance without an address does not keep the others from it. */
async function checkAll(round: Round, sources: SandboxSources): Promise<EntrySources[]> {
  const seen: ImageChecks = new Map();
  // At the same time, so that one of hundreds does not wait for all.
  const checked = await Promise.all(
    checkEntries(sources).map(async ({ entry, problems }) => {
      const errors = problems.filter(isError);
      const usable = entry.container !== undefined && errors.every(({ code }) => code === ADDRESS_MISSING);
      const missing = usable ? await imageProblems(round, sources, entry, seen) : [];
      round.found.push(...missing, ...problems);
      return usable && missing.length === 0 ? entry : undefined;
    }),
  );
  return checked.flatMap(entry => entry ?? []);
}

function bad(name: string, diagnostics: readonly Diagnostic[], processFile?: string): LoadedSandbox {
  return { name, diagnostics, desired: undefined, ok: false, processFile, checked: undefined };
}

function checkName(name: string, file: string): Diagnostic[] {
  if (NAME.test(name)) return [];
  return [problem('bad-name', file, `\`${name}\` is no sandbox name: letters, digits, \`_\` and \`-\` only`)];
}

/** In the order of files and lines; two entries with one container file say the same things about it. */
export function inOrder(found: readonly Diagnostic[]): Diagnostic[] {
  const known = new Map(
    found.map(item => [`${item.file}:${item.line}:${item.column} ${item.message}`, item]),
  );
  return [...known.values()].sort(byPlace);
}

/** `alternate` is validated in place of the installed process file. */
export async function loadSandbox(
  disk: Disk,
  paths: HostPaths,
  name: string,
  texts: Texts,
  alternate?: string,
): Promise<LoadedSandbox> {
  const file = join(paths.sandboxesDir, `${name}.yaml`);
  const sandbox = await readConfig(disk, sandboxSchema, file, texts);
  if (!sandbox.ok) return bad(name, sandbox.errors);
  const found = [...checkName(name, file), ...checkSandbox(sandbox.value)];
  const round: Round = { disk, texts, found };
  const installed = resolve(paths.processesDir, sandbox.value.value.configFile ?? `${name}.yaml`);
  const read = await readProcesses(round, installed, alternate ?? installed);
  if (read === undefined) return bad(name, found, installed);
  const { processes, hasProcesses } = read;
  const seen = new Seen();
  const listed = await Promise.all(
    Object.keys(processes.value).map(process =>
      readEntry(round, sandbox.value.value, processes, process, seen).catch(
        (error: Error) => void found.push(unreadable(processes, process, error)),
      ),
    ),
  );
  const entries = listed.flatMap(entry => entry ?? []);
  const sources: SandboxSources = { name, sandbox: sandbox.value, processes, hasProcesses, entries };
  const good = await checkAll(round, sources);
  return {
    name,
    diagnostics: inOrder(found),
    desired: desiredSandbox(sources, good),
    ok: !found.some(isError),
    processFile: installed,
    checked: { sources, good },
  };
}
