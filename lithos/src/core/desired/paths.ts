// Paths of configs: image names, mount points, and the virtual paths a sandbox maps to host directories.

/** Components of an absolute path; undefined when one of them is `..` or the path is relative. */
export function components(path: string): string[] | undefined {
  if (!path.startsWith('/')) return undefined;
  const parts = path.split('/').filter(part => part !== '' && part !== '.');
  return parts.includes('..') ? undefined : parts;
}

function isPrefix(prefix: readonly string[], of: readonly string[]): boolean {
  return prefix.length <= of.length && prefix.every((part, index) => of[index] === part);
}

/** `path` is `parent` or something in it. */
export function isBelow(path: string, parent: string): boolean {
  return isPrefix(components(parent) ?? ['..'], components(path) ?? []);
}

export interface HostPath {
  readonly path: string;
  /** What the sandbox has mapped: links must not lead out of it. */
  readonly root: string;
}

/**
 * Host path of a virtual one: the map's keys are tried sorted by components, so of two matching prefixes the
 * shorter wins (`/a` before `/a/b`), as documented. Undefined when nothing matches or the path climbs.
 */
export function mapPath(paths: Readonly<Record<string, string>>, virtual: string): HostPath | undefined {
  const wanted = components(virtual);
  if (wanted === undefined) return undefined;
  const candidates = Object.keys(paths)
    .map(key => ({ key, parts: components(key) ?? ['..'] }))
    .sort((a, b) => a.parts.length - b.parts.length || (a.key < b.key ? -1 : 1));
  const found = candidates.find(candidate => isPrefix(candidate.parts, wanted));
  if (found === undefined) return undefined;
  const rest = wanted.slice(found.parts.length);
  const root = (paths[found.key] as string).replace(/\/+$/, '');
  return { root: root || '/', path: [root, ...rest].join('/') || '/' };
}

/** Undefined when `image` has exactly `levels` ordinary components, else what is wrong with it. */
export function checkImageName(image: string, levels: number): string | undefined {
  const parts = image.split('/');
  if (parts.some(part => part === '' || part === '.' || part === '..')) {
    return `\`${image}\` is no image name: it must not start with \`/\` or contain \`.\` or \`..\` components`;
  }
  if (parts.length === levels) return undefined;
  return `\`${image}\` has ${parts.length} path component${parts.length === 1 ? '' : 's'}; \`image-dir-levels\` is ${levels}`;
}

/** The rest of a path that is below `parent`, relative to it. */
export function pathBelow(path: string, parent: string): string {
  return (components(path) ?? []).slice(components(parent)?.length).join('/');
}
