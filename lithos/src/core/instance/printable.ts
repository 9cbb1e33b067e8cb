/** Words of programs, for a terminal: without what would move its cursor, change its colours or type for its user. */
export function printable(text: string): string {
  return text.replaceAll(/[^\P{Cc}\t]/gu, '\u{fffd}');
}

/** The same for the middle of a sentence. */
export function inOneLine(text: string): string {
  return text.replaceAll(/\p{Cc}+/gu, ' ').trim();
}
