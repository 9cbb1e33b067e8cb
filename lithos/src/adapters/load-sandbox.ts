// Reads everything of one sandbox (its file, its process file, the container files in its images) and checks it whole.
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { checkMountPoints } from '@suite/shared/oci/mount-points.ts';
import type { SandboxMount } from '@suite/shared/oci/sandbox.ts';
import type { Disk } from '@suite/shared/ports/index.ts';
import type { Diagnostic } from '@suite/shared/schema/index.ts';
import type { YamlNode } from '@suite/shared/yaml/index.ts';
import { type ContainerKeys, containerSchema } from '../config/container.ts';
import { diagnostic, locate, warnWithoutEffect } from '../config/locate.ts';
import { NAME, type ProcessEntry, processEntrySchema } from '../config/process.ts';
import { SANDBOX_WITHOUT_EFFECT, type SandboxKeys, sandboxSchema } from '../config/sandbox.ts';
import { checkEntry } from '../core/desired/checks.ts';
import { desiredSandbox, instancesOf } from '../core/desired/instances.ts';
import { checkImageName, components } from '../core/desired/paths.ts';
import type { EntrySources, Parsed, SandboxSources } from '../core/desired/sources.ts';
import type { DesiredInstance, DesiredSandbox } from '../core/desired/types.ts';
import { mountsOf } from './bundle.ts';
import { type Backing, lookUp, lookUpIn } from './image.ts';
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
}

interface Round {
  readonly disk: Disk;
  readonly texts: Texts;
  readonly paths: HostPaths;
  readonly found: Diagnostic[];
}

function isError(item: Diagnostic): boolean {
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

async function readProcesses(
  round: Round,
  installed: string,
  file: string,
): Promise<Parsed<Record<string, ProcessEntry>> | undefined> {
  const read = await readYaml(round.disk, file, round.texts);
  if (read.ok) return { value: decodeEntries(read.value, round.found), node: read.value };
  const missing = read.errors.every(error => error.code === 'file-missing');
  if (!missing || file !== installed) {
    round.found.push(...read.errors);
    return undefined;
  }
  round.found.push(
    problem('no-processes', file, `${file} does not exist: nothing of this sandbox runs`, 'warning'),
  );
  return { value: {}, node: { kind: 'mapping', entries: [], file, line: 1, column: 1 } as YamlNode };
}

async function readContainer(round: Round, root: string, path: string, place: () => Diagnostic) {
  const inside = await lookUp(root, path);
  if (inside.kind !== 'file') {
    round.found.push(place());
    return undefined;
  }
  const read = await readConfig(round.disk, containerSchema, inside.hostPath, round.texts);
  if (read.ok) return read.value;
  round.found.push(...read.errors);
  return undefined;
}

/** Two entries with one image and config read the file once, and its errors are reported once. */
type ContainerCache = Map<string, Parsed<ContainerKeys> | undefined>;

async function readEntry(
  round: Round,
  sandbox: SandboxKeys,
  processes: Parsed<Record<string, ProcessEntry>>,
  process: string,
  cache: ContainerCache,
): Promise<EntrySources> {
  const entry = processes.value[process] as ProcessEntry;
  const imageRoot = join(sandbox.imageDir, entry.image);
  const at = (key: string) => locate(processes.node, [process, key]);
  const unusable: EntrySources = { process, entry, imageRoot, container: undefined };
  const badName = checkImageName(entry.image, sandbox.imageDirLevels);
  if (badName !== undefined) {
    round.found.push(diagnostic('bad-image', 'error', badName, at('image')));
    return unusable;
  }
  if ((await lookUp(imageRoot, '/')).kind !== 'directory') {
    const message = `image ${entry.image} does not exist: ${imageRoot} is no directory`;
    round.found.push(diagnostic('image-missing', 'error', message, at('image')));
    return unusable;
  }
  const key = `${imageRoot}\0${entry.config}`;
  if (!cache.has(key)) {
    const missing = `${entry.config} is no file of image ${entry.image}`;
    const place = () => diagnostic('config-missing', 'error', missing, at('config'));
    cache.set(key, await readContainer(round, imageRoot, entry.config, place));
  }
  return { process, entry, imageRoot, container: cache.get(key) };
}

function isBelow(path: string, parent: string): boolean {
  const inner = components(path) ?? [];
  return (components(parent) ?? []).every((part, index) => inner[index] === part);
}

/** The image with the volumes of an instance over it; what a start makes (tmpfs, state) is not there to look at. */
function withVolumes({ imageRoot, volumes }: DesiredInstance): Backing {
  const innermostFirst = [...volumes].reverse();
  return virtual => {
    const volume = innermostFirst.find(({ target }) => isBelow(virtual, target));
    if (volume === undefined) return join(imageRoot, virtual);
    if (volume.kind === 'tmpfs' || volume.kind === 'statedir') return undefined;
    const rest = (components(virtual) ?? []).slice((components(volume.target) ?? []).length);
    return existsSync(volume.source) ? join(volume.source, ...rest) : undefined;
  };
}

/**
 * Sources are looked at only where they are visible: a check inside a container sees the images, not the volumes.
 * What stands in for an invisible one is a directory, so a complaint about its kind would mean nothing.
 */
async function mountPointProblems(instance: DesiredInstance) {
  const mounts = mountsOf(instance, '/', { resolvConf: false, hosts: false });
  const visible = mounts.map(({ source }) => source !== undefined && existsSync(source));
  const shown = mounts.map((mount, index): SandboxMount => {
    const { target } = mount;
    return visible[index] ? mount : { type: 'tmpfs', target, readonly: false };
  });
  const hidden = new Set(mounts.filter((_, index) => !visible[index]).map(({ target }) => target));
  const problems = await checkMountPoints(instance.imageRoot, shown);
  return problems.filter(({ target, reason }) => !hidden.has(target) || !reason.startsWith('is a file'));
}

/** Mount points and the executable must be in the image (or in a volume), or the start would fail. */
async function checkImage(sources: SandboxSources, entry: EntrySources): Promise<Diagnostic[]> {
  const container = entry.container;
  const [instance] = instancesOf(sources, {
    ...entry,
    entry: { ...entry.entry, kind: 'Daemon', instances: 1 },
  });
  if (container === undefined || instance === undefined) return [];
  const found: Diagnostic[] = [];
  const { executable } = container.value;
  const there = await lookUpIn(withVolumes(instance), executable);
  if (there.kind !== 'file' && there.kind !== 'unknown') {
    const message = `${executable} is no file of image ${entry.entry.image}`;
    found.push(diagnostic('executable-missing', 'error', message, locate(container.node, ['executable'])));
  }
  for (const missing of await mountPointProblems(instance)) {
    const message = `${missing.target} in image ${entry.entry.image}: ${missing.reason}`;
    found.push(
      diagnostic(
        'mount-point-missing',
        'error',
        message,
        locate(container.node, ['volumes', missing.target]),
      ),
    );
  }
  return found;
}

async function checkAll(sources: SandboxSources, found: Diagnostic[]): Promise<EntrySources[]> {
  const good: EntrySources[] = [];
  for (const entry of sources.entries) {
    const errors = checkEntry(sources, entry);
    if (entry.container !== undefined && errors.length === 0) {
      const missing = await checkImage(sources, entry);
      if (missing.length === 0) good.push(entry);
      found.push(...missing);
    }
    found.push(...errors);
  }
  return good;
}

/** `alternate` is validated in place of the installed process file. */
export async function loadSandbox(
  disk: Disk,
  paths: HostPaths,
  name: string,
  texts: Texts,
  alternate?: string,
): Promise<LoadedSandbox> {
  const found: Diagnostic[] = [];
  const round: Round = { disk, texts, paths, found };
  const file = join(paths.sandboxesDir, `${name}.yaml`);
  if (!NAME.test(name))
    found.push(
      problem('bad-name', file, `\`${name}\` is no sandbox name: letters, digits, \`_\` and \`-\` only`),
    );
  const sandbox = await readConfig(disk, sandboxSchema, file, texts);
  if (!sandbox.ok)
    return {
      name,
      diagnostics: [...found, ...sandbox.errors],
      desired: undefined,
      ok: false,
      processFile: undefined,
    };
  found.push(...warnWithoutEffect(sandbox.value.node, SANDBOX_WITHOUT_EFFECT));
  for (const key of ['allowUsers', 'allowGroups'] as const) {
    if (sandbox.value.value[key].length > 0) continue;
    const written = key === 'allowUsers' ? 'allow-users' : 'allow-groups';
    found.push(
      diagnostic(
        'nobody-allowed',
        'error',
        `\`${written}\` is empty: nothing may run`,
        locate(sandbox.value.node, [written]),
      ),
    );
  }
  const installed = resolve(paths.processesDir, sandbox.value.value.configFile ?? `${name}.yaml`);
  const processes = await readProcesses(round, installed, alternate ?? installed);
  if (processes === undefined)
    return { name, diagnostics: found, desired: undefined, ok: false, processFile: installed };
  const cache: ContainerCache = new Map();
  const entries: EntrySources[] = [];
  for (const process of Object.keys(processes.value)) {
    entries.push(await readEntry(round, sandbox.value.value, processes, process, cache));
  }
  const sources: SandboxSources = { name, sandbox: sandbox.value, processes, entries };
  const good = await checkAll(sources, found);
  return {
    name,
    diagnostics: found.sort(byPlace),
    desired: desiredSandbox(sources, good),
    ok: !found.some(isError),
    processFile: installed,
  };
}
