// The write side of the distribution protocol: blobs first, then the manifest that names them.
import { setTimeout as sleep } from 'node:timers/promises';
import { DOWNLOAD_RETRY_MS, IMAGE_DOCUMENT_BYTES_MAX, REGISTRY_ATTEMPTS } from '../../config/defaults.ts';
import { type BlobDescriptor, MEDIA_TYPES, referrersTag, referrersText } from '../../core/oci/compose.ts';
import type { ImageReference } from '../../core/oci/reference.ts';
import { bodyText } from '../download/http.ts';
import { RegistryConnection, type RegistryOptions } from './connection.ts';

/** An address of the registry's own server may leave the server out. */
const absolute = (location: string, base: string): string => new URL(location, base).href;

export class RegistryPush {
  readonly #connection: RegistryConnection;
  readonly #options: RegistryOptions;

  constructor(reference: ImageReference, options: RegistryOptions) {
    this.#connection = new RegistryConnection(reference, options);
    this.#options = options;
  }

  /** `path`: the file of the blob. False: it was there already. An upload that breaks off begins anew. */
  async blob({ digest, size }: BlobDescriptor, path: string): Promise<boolean> {
    const asked = await this.#connection.send(`blobs/${digest}`, { method: 'HEAD', good: [200, 404] });
    asked.destroy();
    if (asked.statusCode === 200) return false;
    const { signal, retryMs = DOWNLOAD_RETRY_MS } = this.#options;
    for (let number = 1; ; number++) {
      try {
        await this.#upload(digest, { path, sizeBytes: size });
        return true;
      } catch (error) {
        if (number >= REGISTRY_ATTEMPTS || signal.aborted) throw error;
        await sleep(retryMs * 2 ** (number - 1), undefined, { signal });
      }
    }
  }

  async #upload(digest: string, body: { path: string; sizeBytes: number }): Promise<void> {
    const begun = await this.#connection.send('blobs/uploads/', { method: 'POST', body: '', good: [202] });
    begun.destroy();
    const { location } = begun.headers;
    if (location === undefined)
      throw new Error(`${this.#connection.name}: the registry names no place to upload to`);
    const url = new URL(absolute(location, await this.#connection.baseUrl()));
    url.searchParams.set('digest', digest);
    const headers = { 'content-type': 'application/octet-stream' };
    const done = await this.#connection.send(url.href, {
      method: 'PUT',
      headers,
      body,
      attempts: 1,
      good: [201],
    });
    done.destroy();
  }

  /** `name`: tag or digest. True: the registry has noted what the manifest is about. */
  async manifest(name: string, text: string, mediaType: string): Promise<boolean> {
    const headers = { 'content-type': mediaType };
    const done = await this.#connection.send(`manifests/${name}`, {
      method: 'PUT',
      headers,
      body: text,
      good: [201],
    });
    done.destroy();
    return done.headers['oci-subject'] !== undefined;
  }

  /** `text`: a manifest about `subject`, so that everybody finds it. */
  async referrer(
    subject: BlobDescriptor,
    artifactType: string,
    text: string,
    own: BlobDescriptor,
  ): Promise<void> {
    if (await this.manifest(own.digest, text, own.mediaType)) return;
    const tag = referrersTag(subject);
    const list = referrersText(await this.#manifestsOf(tag), artifactType, own);
    await this.manifest(tag, list, MEDIA_TYPES.index);
  }

  async #manifestsOf(tag: string): Promise<readonly object[]> {
    const headers = { accept: MEDIA_TYPES.index };
    const answer = await this.#connection.send(`manifests/${tag}`, { headers, good: [200, 404] });
    const text = await bodyText(answer, IMAGE_DOCUMENT_BYTES_MAX);
    if (answer.statusCode === 404) return [];
    const { manifests } = JSON.parse(text) as { manifests?: unknown };
    return Array.isArray(manifests) ? manifests : [];
  }
}
