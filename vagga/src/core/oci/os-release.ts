// /etc/os-release (os-release(5)): which system a root holds.

/** Assignments of the file; quotes are taken off. */
export function parseOsRelease(text: string): ReadonlyMap<string, string> {
  const lines = text.split('\n').map(line => /^([A-Z0-9_]+)=(["']?)(.*)\2$/.exec(line.trim()));
  return new Map(lines.flatMap(match => (match === null ? [] : [[match[1] ?? '', match[3] ?? '']])));
}

/** Names of suites that move from release to release cannot be compared. */
const MOVING = ['stable', 'testing', 'unstable', 'oldstable', 'sid'];

/** What is there instead of the expected, or undefined when it fits (or does not say). */
export function unexpectedRelease(
  text: string,
  expected: { readonly id: string; readonly release: string },
): string | undefined {
  const fields = parseOsRelease(text);
  const id = fields.get('ID') ?? 'unknown';
  const release = (id === 'alpine' ? fields.get('VERSION_ID') : fields.get('VERSION_CODENAME')) ?? '';
  const found = `${id} ${release}`.trim();
  if (id !== expected.id) return found;
  if (release === '' || MOVING.includes(expected.release)) return undefined;
  const fits = release === expected.release || release.startsWith(`${expected.release}.`);
  return fits ? undefined : found;
}
