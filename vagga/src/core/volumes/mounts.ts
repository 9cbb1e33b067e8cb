// What a volume turns into, before anybody looks at the disk.

export interface NewDirectory {
  /** Relative to the volume. */
  readonly path: string;
  readonly mode: number;
}

export interface NewFile {
  readonly path: string;
  readonly text: string;
}

export interface PlannedTmpfs {
  readonly kind: 'tmpfs';
  readonly target: string;
  readonly sizeBytes: number;
  readonly mode: number;
  readonly readonly: boolean;
  /** In the order in which they are made. */
  readonly directories: readonly NewDirectory[];
  readonly files: readonly NewFile[];
}

export interface PlannedSnapshot {
  readonly kind: 'snapshot';
  readonly target: string;
  /** Whose image is copied; absent: that of the command. */
  readonly container?: string;
  readonly sizeBytes: number;
  /** Ids of the container. */
  readonly ownerUid?: number;
  readonly ownerGid?: number;
}

export interface PlannedPersistent {
  readonly kind: 'persistent';
  readonly target: string;
  readonly name: string;
  /** The command that fills it; without one it starts empty. */
  readonly initCommand?: string;
  /** Ids of the container. */
  readonly ownerUid: number;
  readonly ownerGid: number;
}

export interface PlannedBind {
  readonly kind: 'bind';
  readonly target: string;
  /** What `path` is relative to; `host`: absolute, from the setting external-volumes. */
  readonly from: 'project' | 'image' | 'host';
  readonly path: string;
  readonly readonly: boolean;
}

export type PlannedMount =
  | PlannedTmpfs
  | PlannedBind
  | PlannedSnapshot
  | PlannedPersistent
  | { readonly kind: 'cache'; readonly target: string; readonly path: string }
  | { readonly kind: 'container'; readonly target: string; readonly name: string }
  | { readonly kind: 'vagga-bin'; readonly target: string };
