// What lithos_clean does: decide from files alone, then list or delete. Whatever is not known for sure stays.
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { colours } from '@suite/shared/cli/colours.ts';
import { EXIT } from '@suite/shared/cli/exit.ts';
import { realClock, realDisk } from '@suite/shared/ports/real.ts';
import { type Diagnostic, printDiagnostics } from '@suite/shared/schema/index.ts';
import { imagesInUse } from '../adapters/cleaning/in-use.ts';
import { findImages, isRecent, removeDoomed, removeImage } from '../adapters/cleaning/scan.ts';
import { type CleaningWorld, findUse, Unreadable } from '../adapters/cleaning/used.ts';
import { sandboxNames } from '../adapters/load-host.ts';
import { loadMaster } from '../adapters/load-master.ts';
import type { Texts } from '../adapters/read-yaml.ts';
import { decide, type ImageDirectory } from '../core/cleaning/decide.ts';

export type CleanAction = 'used' | 'unused' | 'delete-unused';

export interface CleanOptions {
  readonly config: string;
  readonly action: CleanAction;
  readonly historyDays: number | undefined;
  readonly versionsMin: number;
  readonly versionsMax: number;
  readonly keepRecentMs: number | undefined;
  readonly cleanLogs: boolean;
  readonly verbose: boolean;
}

const DAY_MS = 86_400_000;
const EXIT_SCAN = 2;

function say(message: string): void {
  process.stderr.write(`lithos_clean: ${message}\n`);
}

function list(path: string): void {
  process.stdout.write(`${JSON.stringify(path)}\n`);
}

function report(diagnostics: readonly Diagnostic[], texts: Texts): number {
  const colour = colours(process.stderr, process.env).enabled;
  process.stderr.write(printDiagnostics(diagnostics, texts, { colour }));
  return EXIT.failed;
}

async function unusedOf(
  directory: ImageDirectory,
  inUse: ReadonlySet<string>,
  keepRecentMs: number | undefined,
): Promise<string[]> {
  const images = await findImages(directory);
  if (images === undefined) {
    say(`${directory.path} does not exist`);
    return [];
  }
  const candidates = images.filter(name => !directory.used.has(name)).map(name => join(directory.path, name));
  const free = candidates.filter(path => !inUse.has(path));
  if (keepRecentMs === undefined) return free;
  const sinceWallMs = realClock.wallMs() - keepRecentMs;
  const recent = await Promise.all(free.map(path => isRecent(path, sinceWallMs)));
  return free.filter((_, index) => !recent[index]);
}

/** One that cannot be removed does not keep the others. */
async function removeAll(
  paths: readonly string[],
  remove: (path: string) => Promise<void>,
  verbose: boolean,
): Promise<void> {
  for (const path of paths) {
    try {
      await remove(path);
      if (verbose)
        process.stdout.write(
          `${new Date(realClock.wallMs()).toISOString()} deleted ${JSON.stringify(path)}\n`,
        );
    } catch (error) {
      say((error as Error).message);
    }
  }
}

async function act(options: CleanOptions, world: CleaningWorld): Promise<number> {
  const { action, cleanLogs, keepRecentMs, verbose } = options;
  const findings = [];
  for (const name of await sandboxNames(world.disk, world.paths)) findings.push(await findUse(world, name));
  const { directories, excluded } = decide(findings.map(({ use }) => use));
  for (const reason of excluded) say(`left alone: ${reason}`);
  const code = excluded.length > 0 ? EXIT.failed : EXIT.ok;
  if (action === 'used') {
    for (const { path, used } of directories) for (const name of [...used].sort()) list(join(path, name));
    return code;
  }
  const inUse = await imagesInUse(world.disk, world.paths);
  const unused: string[] = [];
  try {
    for (const directory of directories) unused.push(...(await unusedOf(directory, inUse, keepRecentMs)));
  } catch (error) {
    say((error as Error).message);
    return EXIT_SCAN;
  }
  const logs = cleanLogs ? findings.flatMap(({ oldLogs }) => oldLogs).filter(file => existsSync(file)) : [];
  if (action === 'unused') for (const path of [...unused, ...logs]) list(path);
  else {
    for (const directory of directories) await removeDoomed(directory);
    await removeAll(unused, removeImage, verbose);
    await removeAll(logs, path => rm(path), verbose);
  }
  return code;
}

export async function clean(options: CleanOptions): Promise<number> {
  const texts: Texts = new Map();
  const master = await loadMaster(realDisk, options.config, texts);
  if (!master.ok) return report(master.errors, texts);
  const { historyDays, versionsMin, versionsMax } = options;
  const cutOffWallMs = historyDays === undefined ? undefined : realClock.wallMs() - historyDays * DAY_MS;
  const world = {
    disk: realDisk,
    paths: master.value.paths,
    texts,
    rules: { versionsMin, versionsMax, cutOffWallMs },
    warn: say,
  };
  try {
    return await act(options, world);
  } catch (error) {
    if (error instanceof Unreadable) return report(error.diagnostics, texts);
    say((error as Error).message);
    return EXIT.failed;
  }
}
