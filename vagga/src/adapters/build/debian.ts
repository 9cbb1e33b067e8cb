// Bootstraps a Debian root with mmdebstrap, outside of any container.
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { findProgram } from '@suite/shared/oci/probe.ts';
import { BASE_CACHE_AGE_MS } from '../../config/defaults.ts';
import { type AptSource, parseSources, sourceLines } from '../../core/debian/sources.ts';
import { runChild } from './child.ts';
import type { BuildContext } from './context.ts';

const MISSING = 'mmdebstrap is not installed: apt-get install -y mmdebstrap';

const APT_DIRECTORY = '/etc/apt';

function hostSources(): AptSource[] {
  const read = (path: string): AptSource[] => {
    try {
      return parseSources(path, readFileSync(path, 'utf8'));
    } catch {
      return [];
    }
  };
  const directory = join(APT_DIRECTORY, 'sources.list.d');
  let names: string[] = [];
  try {
    names = readdirSync(directory).filter(name => /\.(list|sources)$/.test(name));
  } catch {
    // A host without apt: mmdebstrap's own default mirror applies.
  }
  return [join(APT_DIRECTORY, 'sources.list'), ...names.sort().map(name => join(directory, name))].flatMap(
    read,
  );
}

const quote = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;

/** Packages already downloaded are linked in before and out after, so that only new ones travel. */
function cacheHooks(cache: string): string[] {
  const archives = '"$1"/var/cache/apt/archives';
  const link = (from: string, to: string) =>
    `for deb in ${from}/*.deb; do [ ! -e "$deb" ] || cp -ln "$deb" ${to}/ 2>/dev/null || cp -n "$deb" ${to}/; done`;
  return [
    `--setup-hook=mkdir -p ${archives}; ${link(quote(cache), archives)}`,
    '--skip=download/empty',
    '--skip=essential/unlink',
    `--customize-hook=${link(archives, quote(cache))}`,
  ];
}

function argvOf(suite: string, target: string, lines: readonly string[], cache: string): string[] {
  const secure = lines.some(line => line.includes('https:'));
  return [
    'mmdebstrap',
    '--variant=minbase',
    '--format=directory',
    '--dpkgopt=force-unsafe-io',
    '--aptopt=Acquire::Languages "none"',
    ...(secure ? ['--include=ca-certificates'] : []),
    ...cacheHooks(cache),
    suite,
    target,
    ...lines,
  ];
}

function isRecent(path: string): boolean {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat !== undefined && Date.now() - stat.mtimeMs < BASE_CACHE_AGE_MS;
}

/** Copies a whole root, sharing blocks where the file system can. Hard links would be changed by later steps. */
export function copyRoot(context: BuildContext, source: string, target: string): Promise<string | undefined> {
  return runChild(['cp', '-a', '--reflink=auto', `${source}/.`, target], context);
}

async function bootstrap(context: BuildContext, suite: string, lines: readonly string[], base: string) {
  if (findProgram('mmdebstrap') === undefined) return MISSING;
  const cache = context.cacheDirectory('apt-cache');
  // One name for all: we hold the lock, so what is there is of a bootstrap that was killed.
  const temporary = `${base}.new`;
  await context.discard(temporary);
  const failed =
    (await runChild(argvOf(suite, temporary, lines, cache), context)) ??
    (await runChild(['touch', temporary], context)) ??
    (await runChild(['rm', '-rf', '--one-file-system', base], context));
  if (failed === undefined) renameSync(temporary, base);
  else await context.discard(temporary);
  return failed;
}

/** Undefined when it went well, else why not. A base of the same sources that is younger than a day is used again. */
export async function bootstrapDebian(
  context: BuildContext,
  suite: string,
  components: readonly string[],
): Promise<string | undefined> {
  const lines = sourceLines(hostSources(), suite, components, context.settings.debianMirror);
  const key = createHash('sha256')
    .update([suite, ...lines].join('\n'))
    .digest('hex')
    .slice(0, 8);
  const directory = context.cacheDirectory('debian-base');
  mkdirSync(directory, { recursive: true });
  const base = join(directory, `${suite}-${key}`);
  return await context.locked('apt', async () => {
    const failed =
      isRecent(base) && !context.force ? undefined : await bootstrap(context, suite, lines, base);
    return failed ?? (await copyRoot(context, base, context.root));
  });
}
