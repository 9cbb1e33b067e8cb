// `_devcontainer NAME`: .devcontainer/devcontainer.json for a container; editors then call `_devcontainer --load NAME` before they start it.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { loadImage } from '../../adapters/editors/load-image.ts';
import type { Layout } from '../../adapters/image/layout.ts';
import { temporaryFor } from '../../adapters/storage/temporary.ts';
import { cacheDirectory } from '../../adapters/volumes/cache-directory.ts';
import { createPersistent } from '../../adapters/volumes/persistent.ts';
import type { Container } from '../../config/model.ts';
import { devcontainer, imageName, mergedConfig } from '../../core/editors/devcontainer.ts';
import { has, valuesOf } from '../../core/options/parse.ts';
import { flag, valued } from '../../core/options/spec.ts';
import type { InitialisedVolume } from '../../core/volumes/persistent.ts';
import { type Session, say, warn } from '../session.ts';
import { entry } from './registry.ts';
import { print, unknownContainer } from './usage.ts';

const FILE = '.devcontainer/devcontainer.json';

/** A path of the project is the same in every clone. */
function shortest(layout: Layout, path: string): string {
  const inside = relative(layout.root, path);
  return inside.startsWith('..') ? path : inside;
}

function write(session: Session, name: string): number {
  const { layout, cache } = session;
  const container = cache.project.containers[name];
  if (container === undefined) return unknownContainer(session, name);
  const places = { volumes: shortest(layout, layout.volumes), cache: shortest(layout, layout.cache('.')) };
  const made = devcontainer(basename(layout.root), name, container, places);
  const file = join(layout.root, FILE);
  const config = existsSync(file) ? mergedConfig(readFileSync(file, 'utf8'), made.config) : made.config;
  if (config === undefined)
    return say(
      121,
      `${FILE} is there and no plain JSON (comments?): move it away, and take over what is yours`,
    );
  for (const target of made.leftOut)
    warn(`volume ${target} has no counterpart in a devcontainer and is left out`);
  mkdirSync(dirname(file), { recursive: true });
  const temporary = temporaryFor(file);
  writeFileSync(temporary, `${JSON.stringify(config, null, 2)}\n`);
  renameSync(temporary, file);
  return print(FILE);
}

/** docker mounts nothing that is not there. The sentence for the user if somebody else has to make it. */
function makeSources(layout: Layout, container: Container): string | undefined {
  for (const { tag, value } of Object.values(container.volumes)) {
    if (tag === 'CacheDir') cacheDirectory(layout, value as string);
    if (tag !== 'Persistent') continue;
    const volume = value as unknown as InitialisedVolume | Omit<InitialisedVolume, 'initCommand'>;
    if (existsSync(layout.volume(volume.name))) continue;
    if ('initCommand' in volume && volume.initCommand !== undefined)
      return `volume ${volume.name} is not filled yet: vagga ${volume.initCommand}`;
    createPersistent(layout, volume, container);
  }
  return undefined;
}

/** The container's root on stdout, as the engine wants it; in the ids of containers. */
async function writeTar(session: Session, name: string, container: Container): Promise<number> {
  const built = await session.build([name], { whole: true });
  if (typeof built === 'number') return built;
  const missing = makeSources(session.layout, container);
  if (missing !== undefined) return say(121, missing);
  const root = session.layout.rootOf(name, built.get(name) ?? '');
  const words = ['--numeric-owner', '--xattrs', '--sort=name', '-C', root, '-c', '.'];
  return spawnSync('tar', words, { stdio: ['ignore', 'inherit', 'inherit'] }).status ?? 121;
}

async function load(session: Session, name: string, engine: string | undefined): Promise<number> {
  const { layout, cache } = session;
  if (cache.project.containers[name] === undefined) return unknownContainer(session, name);
  const image = imageName(basename(layout.root), name);
  const tar = [process.execPath, process.argv[1] as string, '_devcontainer_tar', name];
  const problem = await loadImage({
    tar,
    image,
    ...(engine !== undefined && { engine }),
  });
  return problem === undefined ? print(image) : say(121, `Image ${image} could not be made: ${problem}`);
}

const CONTAINER = { name: 'container', takes: 'required', help: 'The container' } as const;

export const devcontainerCommand = {
  ...entry(
    {
      name: 'vagga _devcontainer',
      description: 'Write .devcontainer/devcontainer.json, so that editors work inside a container',
      options: [
        flag(
          'load',
          ['--load'],
          'Build the container and hand it to docker or podman as an image; editors call this',
        ),
        valued('engine', ['--engine'], 'PROGRAM', 'Instead of docker, else podman'),
      ],
      positionals: [CONTAINER],
    },
    (session, { given, words: [name = ''] }) =>
      has(given, 'load') ? load(session, name, valuesOf(given, 'engine').at(-1)) : write(session, name),
  ),
  outside: true,
};

export const devcontainerTar = entry(
  {
    name: 'vagga _devcontainer_tar',
    description: 'Write the root of a container as tar to stdout',
    options: [],
    positionals: [CONTAINER],
  },
  (session, { words: [name = ''] }) => {
    const container = session.cache.project.containers[name];
    return container === undefined ? unknownContainer(session, name) : writeTar(session, name, container);
  },
);
