// What becomes of the directories below each image directory. Several sandboxes may share one: it is only touched when
// all of them agree, and every one of them knows what it needs.

/** What one sandbox says of its image directory. */
export interface SandboxUse {
  readonly sandbox: string;
  /** Real path: two names of one directory must not look like two. */
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

function isBelow(path: string, other: string): boolean {
  return path.startsWith(other === '/' ? other : `${other}/`);
}

/** What is an image to one sandbox may hold the images of another. */
function whyEntangled(path: string, all: readonly SandboxUse[]): string | undefined {
  const other = all.find(({ imageDir }) => isBelow(imageDir, path) || isBelow(path, imageDir));
  if (other === undefined) return undefined;
  const [inner, outer] = isBelow(path, other.imageDir) ? [path, other.imageDir] : [other.imageDir, path];
  return `${path}: image directory ${inner} lies in ${outer}`;
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
    const entangled = sharing[0]?.autoClean ? whyEntangled(path, uses) : undefined;
    if (reason !== undefined) excluded.push(reason);
    else if (entangled !== undefined) excluded.push(entangled);
    else if (sharing[0]?.autoClean) {
      const used = new Set(sharing.flatMap(use => [...use.used]));
      directories.push({ path, levels: sharing[0].levels, used });
    }
  }
  return { directories, excluded };
}
