// What becomes of the directories below each image directory. Several sandboxes may share one: it is only touched when
// all of them agree, and every one of them knows what it needs.

/** What one sandbox says of its image directory. */
export interface SandboxUse {
  readonly sandbox: string;
  readonly imageDir: string;
  readonly levels: number;
  readonly autoClean: boolean;
  /** Names below `imageDir`. */
  readonly used: ReadonlySet<string>;
  /** Why what it needs is not known. */
  readonly unknown: string | undefined;
}

export interface ImageDirectory {
  readonly path: string;
  readonly levels: number;
  readonly used: ReadonlySet<string>;
}

export interface Decision {
  readonly directories: readonly ImageDirectory[];
  /** Sentences: which directories are left alone, and why. */
  readonly excluded: readonly string[];
}

function whyExcluded(path: string, uses: readonly SandboxUse[]): string | undefined {
  const names = uses.map(({ sandbox }) => sandbox).join(', ');
  if (new Set(uses.map(({ levels }) => levels)).size > 1)
    return `${path}: sandboxes ${names} disagree on \`image-dir-levels\``;
  if (new Set(uses.map(({ autoClean }) => autoClean)).size > 1)
    return `${path}: sandboxes ${names} disagree on \`auto-clean\``;
  const ignorant = uses.find(({ unknown }) => unknown !== undefined);
  return ignorant === undefined ? undefined : `${path}: sandbox ${ignorant.sandbox}: ${ignorant.unknown}`;
}

/** Directories of sandboxes without `auto-clean` are neither cleaned nor worth a sentence. */
export function decide(uses: readonly SandboxUse[]): Decision {
  const directories: ImageDirectory[] = [];
  const excluded: string[] = [];
  for (const path of [...new Set(uses.map(({ imageDir }) => imageDir))].sort()) {
    const sharing = uses.filter(({ imageDir }) => imageDir === path);
    const reason = whyExcluded(path, sharing);
    if (reason !== undefined) excluded.push(reason);
    else if (sharing[0]?.autoClean) {
      const used = new Set(sharing.flatMap(use => [...use.used]));
      directories.push({ path, levels: sharing[0].levels, used });
    }
  }
  return { directories, excluded };
}
