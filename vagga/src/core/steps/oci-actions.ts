// What `!OciImage` plans.
import type { Platform } from '../oci/platform.ts';
import type { ImageReference } from '../oci/reference.ts';

type ImageSource =
  | { readonly kind: 'registry'; readonly reference: ImageReference; readonly tlsVerify: boolean }
  /** A file or a directory; `name` chooses among several images in it. */
  | { readonly kind: 'archive' | 'layout'; readonly path: string; readonly name?: string };

export interface OciAction {
  readonly kind: 'oci-image';
  readonly source: ImageSource;
  /** Absent: the machine's. */
  readonly platform?: Platform;
  /** What /etc/os-release must say, because later steps rely on it. */
  readonly expects?: { readonly id: 'debian' | 'ubuntu' | 'alpine'; readonly release: string };
}
