// What stands in a half-built image and is not part of it.

/** A file or directory of another container's image, to be read only. */
export interface ImageSource {
  readonly container: string;
  /** Absolute path in that image. */
  readonly source: string;
}

/** Place in the image → name in the cache directory, or what another image has. */
export type Mounts = Readonly<Record<string, string | ImageSource>>;

/** Without what other images show: that is there for one container only. */
export function cachesOnly(mounts: Mounts): Mounts {
  return Object.fromEntries(Object.entries(mounts).filter(([, what]) => typeof what === 'string'));
}

/** The other image's path of a path below a mount; undefined when it is the image's own. */
export function behindMount(mounts: Mounts, path: string): ImageSource | undefined {
  const places = Object.keys(mounts).filter(place => path === place || path.startsWith(`${place}/`));
  // Of two, the inner one covers the other.
  const [place = ''] = places.sort((a, b) => b.length - a.length);
  const what = mounts[place];
  if (what === undefined || typeof what === 'string') return undefined;
  const rest = path.slice(place.length);
  return { ...what, source: `${what.source.replace(/\/$/, '')}${rest}` || '/' };
}
