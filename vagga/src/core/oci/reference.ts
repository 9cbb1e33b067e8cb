// Names of images as people write them: [REGISTRY/]REPOSITORY[:TAG][@DIGEST].

export interface ImageReference {
  /** Host, with a port if one was given. */
  readonly registry: string;
  readonly repository: string;
  /** Absent when only a digest was given. */
  readonly tag?: string;
  /** `sha256:…`; wins over the tag. */
  readonly digest?: string;
}

export const DIGEST = /^sha256:[0-9a-f]{64}$/;
const COMPONENT = /^[a-z0-9]+([._-]+[a-z0-9]+)*$/;
const TAG = /^\w[\w.-]{0,127}$/;
const HOST = /^([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(:\d{1,5})?$/;
const NAME_LENGTH_MAX = 255;

/** Names without a host are Docker Hub's, and there those without an owner are in `library`. */
const HUB = 'docker.io';

const isHost = (text: string): boolean => /[.:]/.test(text) || text === 'localhost';

/** A string in answer says what is wrong. */
export function parseReference(text: string): ImageReference | string {
  const [name = '', digest, ...more] = text.split('@');
  if (more.length > 0) return 'more than one @';
  if (digest !== undefined && !DIGEST.test(digest)) return `"${digest}" is not sha256: and 64 digits`;
  const colon = name.lastIndexOf(':');
  const hasTag = colon > name.lastIndexOf('/');
  const tag = hasTag ? name.slice(colon + 1) : undefined;
  if (tag !== undefined && !TAG.test(tag)) return `"${tag}" is not a tag`;
  const parts = (hasTag ? name.slice(0, colon) : name).split('/');
  const hasHost = parts.length > 1 && isHost(parts[0] ?? '');
  const registry = hasHost ? (parts.shift() as string) : HUB;
  if (!HOST.test(registry)) return `"${registry}" is not a host`;
  if (registry === HUB && parts.length === 1) parts.unshift('library');
  const repository = parts.join('/');
  const bad = parts.find(part => !COMPONENT.test(part));
  if (bad !== undefined) return `"${bad}" is not a name: small letters, digits, and . _ - between them`;
  if (repository.length > NAME_LENGTH_MAX) return `the name is longer than ${NAME_LENGTH_MAX} characters`;
  return {
    registry,
    repository,
    ...(tag !== undefined && { tag }),
    ...(tag === undefined && digest === undefined && { tag: 'latest' }),
    ...(digest !== undefined && { digest }),
  };
}

/** With everything that was left out. */
export function referenceText({ registry, repository, tag, digest }: ImageReference): string {
  return `${registry}/${repository}${tag === undefined ? '' : `:${tag}`}${digest === undefined ? '' : `@${digest}`}`;
}
