// What volumes are made from, and what only the full program can make.
import type { Container } from '../../config/model.ts';
import type { PlannedPersistent, PlannedSnapshot, PlannedTmpfs } from '../../core/volumes/mounts.ts';
import type { Layout } from '../image/layout.ts';
import { currentVersion } from '../image/store.ts';

/** For the user; the command does not start. */
export class VolumeError extends Error {}

/** The short path to a running command ends here. */
export class NeedsFull extends Error {}

/** Paths of what is mounted from directories of ours. Owners are ids of the container. */
export interface FullVolumes {
  filledTmpfs(mount: PlannedTmpfs): string;
  snapshot(mount: PlannedSnapshot, place: MountPlace): string;
  /** What is below may be written to from now on: no other image shares it. */
  ownFiles(path: string): void;
  vaggaBin(layout: Layout): string;
  createPersistent(mount: PlannedPersistent, container: Container): string;
  /** Of a volume that this command is to fill. */
  filling(name: string): string | undefined;
}

export interface MountPlace {
  readonly layout: Layout;
  /** Absolute path of the image's root. */
  readonly rootPath: string;
  readonly writableRoot: boolean;
  readonly container: Container;
  /** In place of the host's. */
  readonly resolvConf?: string;
  readonly externalVolumes: Readonly<Record<string, string>>;
  /** Absent on the short path. */
  readonly full?: FullVolumes;
}

/** Root of the version that was built last. */
export function containerRoot(layout: Layout, name: string): string {
  const version = currentVersion(layout, name);
  if (version === undefined) throw new VolumeError(`Container ${JSON.stringify(name)} was never built`);
  return layout.rootOf(name, version);
}
