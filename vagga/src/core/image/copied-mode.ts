// The mode a copied entry gets: the same numbers are hashed and applied.
import type { FileStat } from './tree.ts';

/** Unless preserved: directories 0777, files 0666 or, when the owner may execute them, 0777; less the umask. */
export function copiedMode(stat: FileStat, umask: number, preserve: boolean): number {
  if (preserve) return stat.mode;
  const full = stat.kind === 'directory' || (stat.mode & 0o100) !== 0 ? 0o777 : 0o666;
  return full & ~umask;
}
