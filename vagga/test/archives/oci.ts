// OCI image layouts on disk, made from layers given as tar archives.
import { createHash } from 'node:crypto';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

export interface LayoutImage {
  /** Uncompressed tars, lowest first. */
  readonly layers: readonly Buffer[];
  readonly architecture?: string;
  /** As `skopeo copy oci:DIR:NAME` finds it. */
  readonly name?: string;
  readonly env?: readonly string[];
  readonly compressed?: boolean;
  /** What the config and manifest say, when they lie. */
  readonly config?: object;
  readonly manifest?: object;
}

export const sha256 = (data: Buffer | string): string =>
  `sha256:${createHash('sha256').update(data).digest('hex')}`;

const REF_NAME = 'org.opencontainers.image.ref.name';

const platformOf = ({ architecture = 'amd64' }: LayoutImage) => ({ os: 'linux', architecture });

interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

export class Layout {
  readonly directory: string;

  constructor(directory: string) {
    this.directory = directory;
    rmSync(directory, { recursive: true, force: true });
    mkdirSync(join(directory, 'blobs/sha256'), { recursive: true });
    writeFileSync(join(directory, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
  }

  blob(data: Buffer | string, mediaType: string): Descriptor {
    const digest = sha256(data);
    writeFileSync(join(this.directory, 'blobs', digest.replace(':', '/')), data);
    return { mediaType, digest, size: Buffer.byteLength(data) };
  }

  image({
    layers,
    architecture = 'amd64',
    env = [],
    compressed = true,
    config = {},
    manifest = {},
  }: LayoutImage) {
    const blobs = layers.map(layer =>
      compressed
        ? this.blob(gzipSync(layer), 'application/vnd.oci.image.layer.v1.tar+gzip')
        : this.blob(layer, 'application/vnd.oci.image.layer.v1.tar'),
    );
    const configText = JSON.stringify({
      os: 'linux',
      architecture,
      config: { Env: env },
      rootfs: { type: 'layers', diff_ids: layers.map(sha256) },
      ...config,
    });
    const document = {
      schemaVersion: 2,
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      config: this.blob(configText, 'application/vnd.oci.image.config.v1+json'),
      layers: blobs,
      ...manifest,
    };
    return this.blob(JSON.stringify(document), document.mediaType);
  }

  /** Writes index.json with one name for images of several platforms. */
  multiPlatform(name: string, ...images: readonly LayoutImage[]): void {
    const manifests = images.map(image => ({ ...this.image(image), platform: platformOf(image) }));
    const mediaType = 'application/vnd.oci.image.index.v1+json';
    const inner = this.blob(JSON.stringify({ schemaVersion: 2, mediaType, manifests }), mediaType);
    const outer = { ...inner, annotations: { [REF_NAME]: name } };
    writeFileSync(
      join(this.directory, 'index.json'),
      JSON.stringify({ schemaVersion: 2, manifests: [outer] }),
    );
  }

  /** Writes index.json. */
  index(...images: readonly LayoutImage[]): void {
    const manifests = images.map(image => ({
      ...this.image(image),
      platform: platformOf(image),
      ...(image.name !== undefined && { annotations: { [REF_NAME]: image.name } }),
    }));
    writeFileSync(join(this.directory, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests }));
  }
}
