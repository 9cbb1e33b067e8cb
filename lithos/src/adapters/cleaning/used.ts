// Which images a sandbox needs: those of its process file, and those of its list or else of its past.
import { join, resolve } from 'node:path';
import { type Disk, FileTooLarge } from '@suite/shared/ports/index.ts';
import type { Diagnostic } from '@suite/shared/schema/index.ts';
import { DEFAULTS, HISTORY, LIMITS } from '../../config/defaults.ts';
import { type ProcessEntry, processEntrySchema } from '../../config/process.ts';
import { type SandboxKeys, sandboxSchema } from '../../config/sandbox.ts';
import type { SandboxUse } from '../../core/cleaning/decide.ts';
import { extendWith, type KeepRules, OPEN_WINDOW } from '../../core/cleaning/window.ts';
import { checkImageName } from '../../core/desired/paths.ts';
import { directoryGone } from '../load-sandbox.ts';
import type { HostPaths } from '../paths.ts';
import { decodeNode, problem, readConfig, readYaml, type Texts } from '../read-yaml.ts';
import { realPath } from './in-use.ts';

export interface CleaningWorld {
  readonly disk: Disk;
  readonly paths: HostPaths;
  readonly texts: Texts;
  readonly rules: KeepRules;
  readonly warn: (message: string) => void;
}

export interface SandboxFindings {
  readonly use: SandboxUse;
  /** Rotated files of the history that were not looked into. */
  readonly oldLogs: readonly string[];
}

/** Throws the errors of the files: with a part of them unread nothing may be called unused. */
export class Unreadable extends Error {
  readonly diagnostics: readonly Diagnostic[];
  constructor(diagnostics: readonly Diagnostic[]) {
    super('the configuration has errors');
    this.diagnostics = diagnostics;
  }
}

async function currentEntries({ disk, texts }: CleaningWorld, file: string): Promise<ProcessEntry[]> {
  const read = await readYaml(disk, file, texts);
  if (!read.ok) {
    if (!read.errors.every(error => error.code === 'file-missing')) throw new Unreadable(read.errors);
    const gone = await directoryGone(disk, file);
    if (gone !== undefined) throw new Unreadable([gone]);
    return [];
  }
  if (read.value.kind === 'null') return [];
  if (read.value.kind !== 'mapping')
    throw new Unreadable([problem('wrong-type', file, 'a mapping of process names is expected here')]);
  return read.value.entries.map(({ value }) => {
    const decoded = decodeNode(processEntrySchema, value);
    if (!decoded.ok) throw new Unreadable(decoded.errors);
    return decoded.value.value;
  });
}

interface Past {
  readonly images: readonly string[];
  readonly unknown: string | undefined;
  readonly oldLogs: readonly string[];
}

async function listed(world: CleaningWorld, keys: SandboxKeys, list: string): Promise<Past> {
  const text = await world.disk.readText(list, LIMITS.usedImagesBytes).catch((error: Error) => error);
  if (typeof text !== 'string') {
    const why = text === undefined ? 'does not exist' : text.message;
    return { images: [], unknown: `\`used-images-list\` ${list} ${why}`, oldLogs: [] };
  }
  const names = text
    .split('\n')
    .map(line => line.trim())
    .filter(line => line !== '');
  const images = names.filter(name => {
    const wrong = checkImageName(name, keys.imageDirLevels);
    if (wrong !== undefined) world.warn(`${list}: ${wrong}`);
    return wrong === undefined;
  });
  return { images, unknown: undefined, oldLogs: [] };
}

/** Newest first. */
function historyFiles(directory: string, sandbox: string): string[] {
  const file = join(directory, `${sandbox}.log`);
  return [file, ...Array.from({ length: HISTORY.files }, (_, index) => `${file}.${index + 1}`)];
}

async function remembered({ disk, rules }: CleaningWorld, directory: string, sandbox: string): Promise<Past> {
  let window = OPEN_WINDOW;
  const oldLogs: string[] = [];
  for (const file of historyFiles(directory, sandbox)) {
    if (window.isClosed) {
      oldLogs.push(file);
      continue;
    }
    const text = await disk.readText(file, LIMITS.historyFileBytes).catch((error: Error) => error);
    if (text instanceof Error) {
      const why =
        text instanceof FileTooLarge ? `is longer than ${LIMITS.historyFileBytes} bytes` : text.message;
      return { images: [], unknown: `history ${file} ${why}`, oldLogs: [] };
    }
    window = extendWith(window, (text ?? '').split('\n'), rules);
    if (window.brokenLine !== undefined)
      return { images: [], unknown: `history ${file} has a line that cannot be read`, oldLogs: [] };
  }
  return { images: window.versions.flatMap(({ images }) => images), unknown: undefined, oldLogs };
}

async function pastOf(world: CleaningWorld, sandbox: string, keys: SandboxKeys): Promise<Past> {
  const { configLogDir } = world.paths;
  if (keys.usedImagesList !== null) return await listed(world, keys, resolve(keys.usedImagesList));
  if (configLogDir !== null) return await remembered(world, configLogDir, sandbox);
  const unknown = 'neither `used-images-list` nor `config-log-dir` says what was used';
  return { images: [], unknown, oldLogs: [] };
}

export async function findUse(world: CleaningWorld, sandbox: string): Promise<SandboxFindings> {
  const { disk, paths, texts } = world;
  const read = await readConfig(disk, sandboxSchema, join(paths.sandboxesDir, `${sandbox}.yaml`), texts);
  if (!read.ok) throw new Unreadable(read.errors);
  const keys = read.value.value;
  const current = await currentEntries(
    world,
    resolve(paths.processesDir, keys.configFile ?? `${sandbox}.yaml`),
  );
  const past: Past = keys.autoClean
    ? await pastOf(world, sandbox, keys)
    : { images: [], unknown: undefined, oldLogs: [] };
  const use = {
    sandbox,
    imageDir: await realPath(keys.imageDir ?? DEFAULTS.imageDir),
    levels: keys.imageDirLevels,
    autoClean: keys.autoClean,
    used: new Set([...current.map(({ image }) => image), ...past.images]),
    unknown: past.unknown,
  };
  return { use, oldLogs: past.oldLogs };
}
