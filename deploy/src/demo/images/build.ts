// Builds the demo's images with vagga, in namespaces of its own so that nothing of a stopped build stays behind.
import { readlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { Places } from '../places.ts';
import { cleanEnvironment, DemoError, DIES_WITH_US, run } from '../run.ts';
import { stageProject } from './stage.ts';

/** `suite` runs cantal and verwalter; the others are the applications. */
export const IMAGES = ['django', 'postgres', 'redis', 'nginx', 'suite'] as const;
export type ImageName = (typeof IMAGES)[number];

/** `NAME.HASH` of each image: the directory lithos starts from. */
export type Images = Readonly<Record<ImageName, string>>;

/** Two builds at a time: apt and dpkg keep one core busy each. */
const LANES = 2;

/** The engine's notes about running containers end with the build's mount namespace, however the build ends. */
const PRIVATE_NOTES = 'mkdir -p /run/vagga && mount -t tmpfs vagga /run/vagga && exec "$@"';

const OUTPUT_TAIL_LINES = 25;

export interface BuildOptions {
  readonly signal: AbortSignal;
  readonly onLine: (image: string, line: string) => void;
}

export async function buildImages(places: Places, options: BuildOptions): Promise<Images> {
  stageProject(places);
  await buildOne(places, 'base', options);
  await buildSideBySide(places, options);
  const built = IMAGES.map(name => [name, linkedImage(places, name)] as const);
  return Object.fromEntries(built) as Images;
}

/** The first failure stops the other lane, and is reported only when both are still. */
async function buildSideBySide(places: Places, options: BuildOptions): Promise<void> {
  const failed = new AbortController();
  const signal = AbortSignal.any([options.signal, failed.signal]);
  const waiting: ImageName[] = [...IMAGES];
  let reason: unknown;
  const lanes = Array.from({ length: LANES }, async () => {
    try {
      for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) {
        await buildOne(places, name, { ...options, signal });
      }
    } catch (error) {
      reason ??= error;
      failed.abort();
    }
  });
  await Promise.all(lanes);
  if (reason !== undefined) throw reason;
}

async function buildOne(places: Places, name: string, options: BuildOptions): Promise<void> {
  const vagga = join(places.root, 'vagga', 'bin', 'vagga.cjs');
  const contained = ['unshare', '--mount', '--pid', '--fork', '--kill-child=KILL', '--mount-proc', '--'];
  const quiet = ['sh', '-c', PRIVATE_NOTES, 'sh'];
  const argv = [...DIES_WITH_US, ...contained, ...quiet, process.execPath, vagga, '_build', name];
  const { code, output } = await run(argv, {
    signal: options.signal,
    cwd: places.images,
    env: { ...cleanEnvironment(), TMPDIR: places.temporary },
    onLine: line => options.onLine(name, line),
  });
  if (code !== 0) throw new DemoError(explain(name, code, output));
}

const MIRROR_FAILURE =
  /(Could not resolve|Temporary failure|Failed to fetch|Could not connect|Unable to connect|Connection (failed|refused|timed out)|Network is unreachable)[^\n]*/;

export function explain(name: string, code: number, output: string): string {
  const tail = output.trim().split('\n').slice(-OUTPUT_TAIL_LINES).join('\n');
  if (/No space left on device|ENOSPC/.test(output))
    return `the disk is full: ${name} could not be built in .demo/images (all images together need about 2 GB)\n${tail}`;
  const mirror = MIRROR_FAILURE.exec(output);
  const reason =
    mirror === null
      ? `vagga could not build the image ${name} (exit ${code})`
      : `the Debian mirror could not be reached while building ${name}: ${mirror[0].trim()}. Check the network and the machine's apt sources, then start again`;
  return `${reason}\n${tail}`;
}

/** vagga leaves a link `.vagga/NAME` → `.roots/NAME.HASH/root` after each build. */
function linkedImage(places: Places, name: string): string {
  const link = join(places.images, '.vagga', name);
  try {
    const match = /\.roots\/([^/]+)/.exec(readlinkSync(link));
    if (match?.[1] !== undefined) return match[1];
  } catch {
    // Said below.
  }
  throw new DemoError(`vagga left no image behind ${link}`);
}
