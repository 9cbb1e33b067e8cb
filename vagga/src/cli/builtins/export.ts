// `_export --oci NAME TARGET`: a container as an image for podman, docker and registries.
import { resolve } from 'node:path';
import { type ExportRequest, exportImage } from '../../adapters/image/export.ts';
import { LAYER_TYPES, type LayerCompression } from '../../core/oci/compose.ts';
import { BUILD_MODES, buildMode } from '../../core/options/build-modes.ts';
import { has, valuesOf } from '../../core/options/parse.ts';
import { flag, valued } from '../../core/options/spec.ts';
import { wholeImage } from '../images.ts';
import { type Session, say } from '../session.ts';
import { entry, type ParsedLine } from './registry.ts';
import { print, unknownContainer } from './usage.ts';

/** How the image is made, for all commands that make one. */
export const IMAGE_OPTIONS = [
  flag('layers', ['--layers'], 'A layer for each step instead of one for all'),
  valued('compress', ['--compress'], 'HOW', 'gzip (default), zstd or none'),
];

/** Seconds of `SOURCE_DATE_EPOCH`; undefined when it is not set, a text when it is no number. */
function epoch(): number | undefined | string {
  const text = process.env.SOURCE_DATE_EPOCH;
  if (text === undefined || text === '') return undefined;
  return /^\d{1,11}$/.test(text) ? Number(text) : `SOURCE_DATE_EPOCH is not a number of seconds: ${text}`;
}

/** Builds what is to be exported; or the exit code. */
export async function exportRequest(
  session: Session,
  { given, words: [name = ''] }: ParsedLine,
  tag: string,
): Promise<ExportRequest | number> {
  const { layout, cache } = session;
  const container = cache.project.containers[name];
  if (container === undefined) return unknownContainer(session, name);
  const compression = valuesOf(given, 'compress').at(-1) ?? 'gzip';
  if (!Object.hasOwn(LAYER_TYPES, compression))
    return say(122, `--compress: gzip, zstd or none, not ${compression}`);
  const epochS = epoch();
  if (typeof epochS === 'string') return say(122, epochS);
  const hash = await wholeImage(session, name, buildMode(given, session.options.build));
  if (typeof hash === 'number') return hash;
  return {
    layout,
    name,
    hash,
    container,
    perStep: has(given, 'layers'),
    compression: compression as LayerCompression,
    tag,
    ...(epochS !== undefined && { epochS }),
  };
}

export const exportEntry = entry(
  {
    name: 'vagga _export',
    description: 'Write a container as an OCI image, print its digest',
    options: [
      flag('oci', ['--oci'], 'As an OCI image (the only form there is)'),
      valued('tag', ['--tag'], 'TAG', 'Its name inside; default: CONTAINER:latest'),
      valued('sbom', ['--sbom'], 'FILE', 'Write the list of its packages there, as SPDX in JSON'),
      ...IMAGE_OPTIONS,
      ...BUILD_MODES,
    ],
    positionals: [
      { name: 'name', takes: 'required', completes: 'containers', help: 'The container' },
      {
        name: 'target',
        takes: 'optional',
        help: 'A file FILE.tar, or a directory for an image layout; default: CONTAINER.oci.tar',
      },
    ],
    epilogue: 'With SOURCE_DATE_EPOCH in the environment no time in the image is later than that.',
  },
  async (session, line) => {
    const [name = '', target = `${name}.oci.tar`] = line.words;
    const tag = valuesOf(line.given, 'tag').at(-1) ?? `${name.toLowerCase()}:latest`;
    const request = await exportRequest(session, line, tag);
    if (typeof request === 'number') return request;
    const path = (file: string) => resolve(session.layout.root, file);
    const sbom = valuesOf(line.given, 'sbom').at(-1);
    try {
      return print(await exportImage(request, path(target), sbom === undefined ? undefined : path(sbom)));
    } catch (error) {
      return say(121, `Cannot export the image: ${(error as Error).message}`);
    }
  },
);
