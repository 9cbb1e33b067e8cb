// `_export NAME TARGET`: a container as an image for podman, docker and registries.
import { resolve } from 'node:path';
import { type ExportRequest, type ExportTarget, exportImage } from '../../adapters/image/export.ts';
import { LAYER_TYPES, type LayerCompression } from '../../core/oci/compose.ts';
import { parseReference } from '../../core/oci/reference.ts';
import { BUILD_MODES, buildMode } from '../../core/options/build-modes.ts';
import { has, valuesOf } from '../../core/options/parse.ts';
import { flag, valued } from '../../core/options/spec.ts';
import { wholeImage } from '../images.ts';
import { orInterrupted } from '../interrupts.ts';
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

interface Wanted extends ExportTarget {
  readonly tag: string;
}

/** Or what is wrong with the words. */
function wanted({ layout }: Session, { given, words: [name = '', target] }: ParsedLine): Wanted | string {
  const path = (file: string) => resolve(layout.root, file);
  const tag = valuesOf(given, 'tag').at(-1) ?? `${name.toLowerCase()}:latest`;
  const sbom = valuesOf(given, 'sbom').at(-1);
  const attachSbom = has(given, 'attach-sbom');
  const more = { tag, attachSbom, ...(sbom !== undefined && { sbom: path(sbom) }) };
  const forDocker = valuesOf(given, 'docker-archive').at(-1);
  if (forDocker === undefined) {
    const file = target ?? `${name}.oci.tar`;
    return { form: file.endsWith('.tar') ? 'oci-archive' : 'oci-layout', path: path(file), ...more };
  }
  if (target !== undefined || has(given, 'oci'))
    return '--docker-archive FILE says where: no target, and no --oci';
  if (attachSbom) return '--attach-sbom is for --oci: a docker archive has no place for it';
  if (has(given, 'compress')) return '--compress is for --oci: layers of a docker archive are not compressed';
  const reference = parseReference(tag);
  if (typeof reference === 'string') return `--tag: ${tag} is no name of an image: ${reference}`;
  if (reference.digest !== undefined) return `--tag: ${tag} has a digest, which nobody knows before`;
  const full = tag.endsWith(`:${reference.tag}`) ? tag : `${tag}:${reference.tag}`;
  return { form: 'docker-archive', path: path(forDocker), ...more, tag: full };
}

export const exportEntry = entry(
  {
    name: 'vagga _export',
    description: 'Write a container as an image for podman, docker and registries, print its digest',
    options: [
      flag('oci', ['--oci'], 'As an OCI image (which it is without any option, too)'),
      valued('docker-archive', ['--docker-archive'], 'FILE', 'As docker save writes it, for docker load'),
      valued('tag', ['--tag'], 'TAG', 'Its name inside; default: CONTAINER:latest'),
      valued('sbom', ['--sbom'], 'FILE', 'Write the list of its packages there, as SPDX in JSON'),
      flag('attach-sbom', ['--attach-sbom'], 'Put that list into the OCI image, as a document about it'),
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
    const target = wanted(session, line);
    if (typeof target === 'string') return say(122, target);
    const request = await exportRequest(session, line, target.tag);
    if (typeof request === 'number') return request;
    const compression = target.form === 'docker-archive' ? 'none' : request.compression;
    return await orInterrupted(
      async signal => print(await exportImage({ ...request, compression }, target, signal)),
      error => say(121, `Cannot export the image: ${error.message}`),
    );
  },
);
