// `_pack_image NAME`: the file system of a container as a tar archive.
import { resolve } from 'node:path';
import type { Compression } from '../../adapters/archive/packed.ts';
import { packRoot } from '../../adapters/image/pack.ts';
import { BUILD_MODES, buildMode } from '../../core/options/build-modes.ts';
import { type Given, valuesOf } from '../../core/options/parse.ts';
import { flag, valued } from '../../core/options/spec.ts';
import { wholeImage } from '../images.ts';
import { orInterrupted } from '../interrupts.ts';
import { say } from '../session.ts';
import { entry } from './registry.ts';
import { unknownContainer } from './usage.ts';

const COMPRESSIONS: readonly Compression[] = ['gzip', 'bzip2', 'xz', 'zstd'];

/** The last one counts. */
function compressionOf(given: readonly Given[]): Compression | 'none' {
  const found = given.findLast(({ key }) => COMPRESSIONS.some(name => name === key));
  return (found?.key as Compression | undefined) ?? 'none';
}

/** Who reads may have seen enough, as `tar -t | head` has. */
function failed(error: unknown): number {
  const { code, message } = error as NodeJS.ErrnoException;
  return code === 'EPIPE' ? 1 : say(121, `Cannot pack the image: ${message}`);
}

export const packImage = entry(
  {
    name: 'vagga _pack_image',
    description: 'Pack the file system of a container into a tar archive',
    options: [
      valued(
        'file',
        ['-f', '--file'],
        'FILENAME',
        'The archive, seen from the project; default: standard output',
      ),
      flag('gzip', ['-z', '--gzip'], 'Compress with gzip'),
      flag('bzip2', ['-j', '--bzip2'], 'Compress with bzip2'),
      flag('xz', ['-J', '--xz'], 'Compress with xz'),
      flag('zstd', ['--zstd'], 'Compress with zstd'),
      ...BUILD_MODES,
    ],
    positionals: [{ name: 'name', takes: 'required', completes: 'containers', help: 'The container' }],
  },
  async (session, { given, words: [name = ''] }) => {
    if (session.cache.project.containers[name] === undefined) return unknownContainer(session, name);
    const hash = await wholeImage(session, name, buildMode(given, 'no-image-download'));
    if (typeof hash === 'number') return hash;
    const compression = compressionOf(given);
    if (compression !== 'none') say(0, `The image will be compressed by ${compression}`);
    const file = valuesOf(given, 'file').at(-1);
    const path = file === undefined ? undefined : resolve(session.layout.root, file);
    const pack = async (signal: AbortSignal) => {
      await packRoot(session.layout.rootOf(name, hash), compression, path, signal);
      return 0;
    };
    return await orInterrupted(pack, failed);
  },
);
