// `_devcontainer NAME`: .devcontainer/devcontainer.json for a container; editors then call `_devcontainer --load NAME` before they start it.
import { spawnSync } from 'node:child_process';
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { loadImage } from '../../adapters/editors/load-image.ts';
import { temporaryFor } from '../../adapters/storage/temporary.ts';
import { devcontainer, imageName } from '../../core/editors/devcontainer.ts';
import { has, valuesOf } from '../../core/options/parse.ts';
import { flag, valued } from '../../core/options/spec.ts';
import { type Session, say, warn } from '../session.ts';
import { entry } from './registry.ts';
import { print, unknownContainer } from './usage.ts';

function write(session: Session, name: string): number {
  const { layout, cache } = session;
  const container = cache.project.containers[name];
  if (container === undefined) return unknownContainer(session, name);
  const { config, leftOut } = devcontainer(basename(layout.root), name, container);
  for (const target of leftOut) warn(`volume ${target} has no counterpart in a devcontainer and is left out`);
  const directory = join(layout.root, '.devcontainer');
  const file = join(directory, 'devcontainer.json');
  mkdirSync(directory, { recursive: true });
  const temporary = temporaryFor(file);
  writeFileSync(temporary, `${JSON.stringify(config, null, 2)}\n`);
  renameSync(temporary, file);
  return print('.devcontainer/devcontainer.json');
}

/** The container's root on stdout, as the engine wants it; in the ids of containers. */
async function writeTar(session: Session, name: string): Promise<number> {
  const built = await session.build([name], { whole: true });
  if (typeof built === 'number') return built;
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
  (session, { words: [name = ''] }) =>
    session.cache.project.containers[name] === undefined
      ? unknownContainer(session, name)
      : writeTar(session, name),
);
