// What differs between two identities, in words: why an instance would be replaced.

type Fields = Readonly<Record<string, unknown>>;

function fieldsOf(identity: string): Fields {
  try {
    const value: unknown = JSON.parse(identity);
    return typeof value === 'object' && value !== null ? (value as Fields) : {};
  } catch {
    return {};
  }
}

/** Nested fields under dotted names: `variables.port`. */
function flat(fields: Fields, before = ''): Map<string, string> {
  return new Map(
    Object.entries(fields).flatMap(([key, value]): [string, string][] => {
      if (typeof value === 'object' && value !== null && !Array.isArray(value))
        return [...flat(value as Fields, `${before}${key}.`)];
      return [[`${before}${key}`, typeof value === 'string' ? value : JSON.stringify(value)]];
    }),
  );
}

/** `image app.1 → app.2`, `variables.port 8001 → none`; empty when only the form of the text differs. */
export function identityChanges(before: string, after: string): string[] {
  const [old, now] = [flat(fieldsOf(before)), flat(fieldsOf(after))];
  const names = [...new Set([...old.keys(), ...now.keys()])];
  return names
    .filter(name => old.get(name) !== now.get(name))
    .map(name => `${name} ${old.get(name) ?? 'none'} → ${now.get(name) ?? 'none'}`);
}
