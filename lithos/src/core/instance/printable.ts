/** Words of programs, for a terminal: without what would move its cursor, change its colours or type for its user. */
export function printable(text: string): string {
  return text.replaceAll(/[^\P{Cc}\t]/gu, '\u{fffd}');
}

/** What is shown of a line in passing: somebody may have forgotten the newlines. */
export function shortened(text: string, maxChars: number): string {
  return text.length <= maxChars ? text : `${text.slice(0, maxChars)} …`;
}

const ESCAPE = '\x1b';
/** With one control character in front, whichever. */
const COLOUR = /(\p{Cc}\[[\d;:]*m)/u;

/** As `printable`, but a program that colours its own log may: `ESC [ … m` moves nothing and types nothing. */
export function printableInColour(text: string): string {
  return text
    .split(COLOUR)
    .map((part, index) => (index % 2 === 1 && part.startsWith(ESCAPE) ? part : printable(part)))
    .join('');
}

/** The same for the middle of a sentence. */
export function inOneLine(text: string): string {
  return text.replaceAll(/\p{Cc}+/gu, ' ').trim();
}
