// The read side of the distribution protocol (OCI distribution-spec 1.1): manifests and blobs of one repository.
import { createHash } from 'node:crypto';
import { IMAGE_DOCUMENT_BYTES_MAX } from '../../config/defaults.ts';
import { MANIFEST_TYPES } from '../../core/oci/documents.ts';
import type { ImageReference } from '../../core/oci/reference.ts';
import { bodyText } from '../download/http.ts';
import type { ProxyVariables } from '../download/proxies.ts';
import { RegistryConnection, type RegistryOptions } from './connection.ts';

export class Registry {
  readonly #connection: RegistryConnection;

  constructor(reference: ImageReference, options: RegistryOptions) {
    this.#connection = new RegistryConnection(reference, options);
  }

  get tlsVerify(): boolean {
    return this.#connection.tlsVerify;
  }

  get proxies(): ProxyVariables {
    return this.#connection.proxies;
  }

  /** The manifest or index; by digest the bytes are what was asked for. */
  async manifest(tagOrDigest: string): Promise<{ text: string; digest: string }> {
    const answer = await this.#connection.send(`manifests/${tagOrDigest}`, {
      headers: { accept: MANIFEST_TYPES.join(', ') },
      good: [200],
    });
    const text = await bodyText(answer, IMAGE_DOCUMENT_BYTES_MAX);
    const digest = `sha256:${createHash('sha256').update(text).digest('hex')}`;
    const promised = tagOrDigest.includes(':') ? tagOrDigest : answer.headers['docker-content-digest'];
    if (promised !== undefined && promised !== digest) {
      throw new Error(`${this.#connection.name}: the registry gave ${digest} instead of ${promised}`);
    }
    return { text, digest };
  }

  /** Address and headers for a blob; the token is fresh as of the last manifest. */
  async blobRequest(digest: string): Promise<{ url: string; headers: Record<string, string> }> {
    const url = `${await this.#connection.baseUrl()}/blobs/${digest}`;
    return { url, headers: this.#connection.headers() };
  }
}
