// Which configurations of the past still count. The history is read backwards, from now into the past, until the first
// version that is too old or one too many: that ends the window, and nothing before it matters.

export interface KeepRules {
  /** That many versions are kept however old they are; no effect without `cutOffWallMs`. */
  readonly versionsMin: number;
  readonly versionsMax: number;
  /** Versions whose use ended before this moment may go; undefined: age does not matter. */
  readonly cutOffWallMs: number | undefined;
}

/** A configuration that was in force from one line of the history until the next different one. */
interface Version {
  readonly entries: string;
  readonly images: readonly string[];
  readonly sinceWallMs: number;
}

export interface Window {
  /** Newest first. */
  readonly versions: readonly Version[];
  readonly isClosed: boolean;
  /** A line inside the window that cannot be read: what it named is unknown. */
  readonly brokenLine: string | undefined;
}

export const OPEN_WINDOW: Window = { versions: [], isClosed: false, brokenLine: undefined };

function imagesOf(entries: unknown): string[] | undefined {
  if (typeof entries !== 'object' || entries === null || Array.isArray(entries)) return undefined;
  const images = Object.values(entries).map(entry => (entry as { image?: unknown } | null)?.image);
  return images.every(image => typeof image === 'string') ? images : undefined;
}

/** `2018-05-04T03:02:01Z {"web":{"instances":1,"image":"a.b",…}}`; undefined when it is anything else. */
export function parseLine(line: string): Version | undefined {
  const space = line.indexOf(' ');
  const sinceWallMs = Date.parse(line.slice(0, space));
  const entries = line.slice(space + 1);
  if (space < 0 || Number.isNaN(sinceWallMs)) return undefined;
  try {
    const images = imagesOf(JSON.parse(entries));
    return images === undefined ? undefined : { entries, images, sinceWallMs };
  } catch {
    return undefined;
  }
}

/** `untilWallMs`: when the next version took over; the newest is in force for ever. */
function isTooOld(kept: number, untilWallMs: number, rules: KeepRules): boolean {
  if (kept >= rules.versionsMax) return true;
  return rules.cutOffWallMs !== undefined && kept >= rules.versionsMin && untilWallMs < rules.cutOffWallMs;
}

/** The window after one more line, which is older than all before. */
function extend(window: Window, line: string, rules: KeepRules): Window {
  if (window.isClosed || window.brokenLine !== undefined || line.trim() === '') return window;
  const version = parseLine(line);
  const oldest = window.versions.at(-1);
  const untilWallMs = oldest?.sinceWallMs ?? Number.POSITIVE_INFINITY;
  const ends = isTooOld(window.versions.length, untilWallMs, rules);
  // Whatever a line says that is too old anyway does not matter.
  if (version === undefined) return ends ? { ...window, isClosed: true } : { ...window, brokenLine: line };
  // The same again (a line is written at every reading): it was in force from the earlier moment on.
  if (oldest?.entries === version.entries)
    return { ...window, versions: [...window.versions.slice(0, -1), version] };
  if (ends) return { ...window, isClosed: true };
  return { ...window, versions: [...window.versions, version] };
}

/** `lines` of one file as they stand in it; files come newest first. */
export function extendWith(window: Window, lines: readonly string[], rules: KeepRules): Window {
  return lines.reduceRight((now, line) => extend(now, line, rules), window);
}
