// Names inside archives are bytes, often not UTF-8. Here they are strings with one character per byte, so that nothing
// is lost between the archive and the disk.

/** One character (0–255) per byte. */
export function byteText(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += 4096) {
    text += String.fromCharCode(...bytes.subarray(at, at + 4096));
  }
  return text;
}

/** The bytes of an ordinary string, as `byteText` would show its UTF-8. */
export function utf8Text(text: string): string {
  return encodeURIComponent(text).replace(/%(..)/g, (_, hex: string) =>
    String.fromCharCode(parseInt(hex, 16)),
  );
}

/** For people: UTF-8 where it is, other bytes and control characters as `\xNN`, long names cut. */
export function shown(name: string): string {
  const escaped = name.slice(0, SHOWN_BYTES).replace(/[^ -~\x80-\xff]/g, hexEscape);
  return `"${decoded(escaped).replace(/\p{Cc}/gu, hexEscape)}${name.length > SHOWN_BYTES ? '…' : ''}"`;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text.replace(/[%\x80-\xff]/g, byte => `%${hex(byte)}`));
  } catch {
    return text.replace(/[\x80-\xff]/g, hexEscape);
  }
}

const SHOWN_BYTES = 200;
const hex = (character: string): string => character.charCodeAt(0).toString(16).padStart(2, '0');
const hexEscape = (character: string): string => `\\x${hex(character)}`;
