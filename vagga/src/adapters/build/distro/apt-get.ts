// apt-get in the image, with the settings of the user: locking, and the library that leaves out fsync.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { BuildAction } from '../../../core/steps/state.ts';
import { bindMount } from '../../oci/sandbox.ts';
import type { BuildContext } from '../context.ts';
import { inRoot, makeDirectories } from '../in-root.ts';
import { runInImage } from '../run-step.ts';
import { lacksUniverse } from './image-release.ts';
import { lend, takeBack } from './lent.ts';
import { MIRROR_HINT } from './mirror.ts';

const APT_DIRECTORIES: readonly string[] = ['/var/cache/apt/archives', '/var/lib/apt/lists'];

type AptGet = Extract<BuildAction, { kind: 'apt-get' }>;

/** Where the package put the library; the files lists of dpkg know. */
function eatmydataOf(root: string): string | undefined {
  try {
    const directory = inRoot(root, '/var/lib/dpkg/info');
    const lists = readdirSync(directory).filter(name => /^(lib)?eatmydata1?(:.*)?\.list$/.test(name));
    return lists
      .flatMap(name => readFileSync(join(directory, name), 'utf8').split('\n'))
      .find(path => path.endsWith('/libeatmydata.so'));
  } catch {
    return undefined;
  }
}

/** After what the user preloads already. */
function preloading(context: BuildContext, action: AptGet): AptGet['env'] {
  const library = action.eatmydata === 'use' ? eatmydataOf(context.root) : undefined;
  if (library === undefined) return action.env;
  const { LD_PRELOAD } = action.env;
  return { ...action.env, LD_PRELOAD: LD_PRELOAD === undefined ? library : `${LD_PRELOAD}:${library}` };
}

function argvOf(action: AptGet, skipLocking: boolean): readonly string[] {
  const [program = '', ...rest] = action.argv;
  return skipLocking ? [program, '-oDebug::NoLocking=yes', ...rest] : action.argv;
}

interface Borrowed {
  readonly target: string;
  readonly cache: string;
  readonly own: string;
}

/** Those two directories of apt that the cache keeps; `caches` of the user stay as they are. */
function borrow(context: BuildContext, action: AptGet, place: string): Borrowed[] {
  return APT_DIRECTORIES.flatMap((target, index) => {
    const name = action.caches[target];
    if (typeof name !== 'string') return [];
    const borrowed = { target, cache: context.cacheDirectory(name), own: join(place, String(index)) };
    lend(borrowed.cache, borrowed.own);
    makeDirectories(context.root, target, 0o755);
    return [borrowed];
  });
}

const withoutApts = (caches: AptGet['caches']): AptGet['caches'] =>
  Object.fromEntries(Object.entries(caches).filter(([target]) => !APT_DIRECTORIES.includes(target)));

async function run(context: BuildContext, action: AptGet): Promise<string | undefined> {
  const place = mkdtempSync(join(context.directory, 'apt-'));
  try {
    const borrowed = borrow(context, action, place);
    const failed = await runInImage(
      context,
      {
        kind: 'run',
        argv: argvOf(action, context.settings.ubuntuSkipLocking),
        env: preloading(context, action),
        caches: withoutApts(action.caches),
      },
      borrowed.map(({ own, target }) => bindMount(own, target)),
    );
    // Also of a failed installation: what it has downloaded need not come again.
    for (const { cache, own } of borrowed) takeBack(cache, own);
    return failed;
  } finally {
    rmSync(place, { recursive: true, force: true });
  }
}

const UNIVERSE_HINT =
  'most packages of Ubuntu are in the component universe: put !UbuntuUniverse before this step';

function explained(context: BuildContext, action: AptGet, failed: string): string {
  if (action.argv.includes('update')) return `apt-get update ${failed}; ${MIRROR_HINT}`;
  const isUnknown = context.log.tail().some(line => /^E: (Unable to locate|Package .* has no)/.test(line));
  return isUnknown && lacksUniverse(context.root) ? `${failed}; ${UNIVERSE_HINT}` : failed;
}

export async function aptGet(context: BuildContext, action: AptGet): Promise<string | undefined> {
  const failed = await run(context, action);
  if (action.eatmydata === 'try') {
    const library = eatmydataOf(context.root);
    context.log.write(
      library === undefined
        ? `Warning: eatmydata could not be installed, going on without: ${failed ?? 'no library'}\n`
        : `Eatmydata activated: "${library}"\n`,
    );
    return context.signal.aborted ? failed : undefined;
  }
  return failed === undefined || context.signal.aborted ? failed : explained(context, action, failed);
}
