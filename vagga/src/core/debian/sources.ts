// apt's source files, both formats, as the entries a bootstrap of one suite needs.

export interface AptSource {
  readonly uri: string;
  readonly suite: string;
  readonly components: readonly string[];
}

function words(text: string): string[] {
  return text.split(/\s+/).filter(word => word !== '');
}

/** `deb [options] URI SUITE COMPONENT…` per line (sources.list(5)). */
function parseOneLine(text: string): AptSource[] {
  return text.split('\n').flatMap(line => {
    const match = /^\s*deb\s+(?:\[[^\]]*\]\s*)?(\S+)\s+(\S+)\s*([^#]*)/.exec(line);
    if (match === null) return [];
    const [, uri = '', suite = '', components = ''] = match;
    return [{ uri, suite, components: words(components) }];
  });
}

/** A stanza's fields, lower-case; continuation lines start with a blank. */
function stanza(text: string): ReadonlyMap<string, string> {
  const joined = text.replace(/^#.*\n?/gm, '').replace(/\n[ \t]+/g, ' ');
  const fields = joined.split('\n').flatMap(line => {
    const colon = line.indexOf(':');
    return colon < 0
      ? []
      : [[line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim()] as const];
  });
  return new Map(fields);
}

/** deb822: stanzas separated by blank lines, several types, URIs and suites each. */
function parseDeb822(text: string): AptSource[] {
  return text.split(/\n[ \t]*\n/).flatMap(part => {
    const fields = stanza(part);
    if (!words(fields.get('types') ?? '').includes('deb') || fields.get('enabled') === 'no') return [];
    const components = words(fields.get('components') ?? '');
    return words(fields.get('uris') ?? '').flatMap(uri =>
      words(fields.get('suites') ?? '').map(suite => ({ uri, suite, components })),
    );
  });
}

/** `name` decides the format: `.sources` is deb822. */
export function parseSources(name: string, text: string): AptSource[] {
  return name.endsWith('.sources') ? parseDeb822(text) : parseOneLine(text);
}

/** The release itself, its updates and its security fixes; backports are a choice of their own. */
function belongsTo(suite: string, codename: string): boolean {
  return [codename, `${codename}-updates`, `${codename}-security`, `${codename}/updates`].includes(suite);
}

/**
 * The lines for mmdebstrap and the image: those of the host that belong to `codename`, or only `mirror` when it is set.
 * Empty when the host has none, so that the bootstrap tool's own default applies.
 */
export function sourceLines(
  sources: readonly AptSource[],
  codename: string,
  components: readonly string[],
  mirror: string | undefined,
): string[] {
  if (mirror !== undefined)
    return [`deb ${mirror} ${codename} ${(components.length > 0 ? components : ['main']).join(' ')}`];
  const own = sources.filter(({ suite }) => belongsTo(suite, codename));
  const lines = own.map(source => {
    const chosen = components.length > 0 ? components : source.components;
    return `deb ${source.uri} ${source.suite} ${chosen.join(' ')}`.trimEnd();
  });
  return [...new Set(lines)];
}
