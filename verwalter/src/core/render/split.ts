/** One file cut out of a text by `!SplitText`. */
export interface Section {
  readonly name: string;
  readonly text: string;
}

export type SplitResult = { readonly sections: readonly Section[] } | { readonly error: string };

/** A name becomes part of a path: it may not leave its directory. */
function isSafe(name: string): boolean {
  return name !== '' && name !== '.' && name !== '..' && !name.includes('/') && !name.includes('\0');
}

/**
 * A line that matches `section` opens a file named by its first group and is not written itself; other lines go to the open file.
 * A repeated name overwrites the earlier text. Both patterns are searches: anchor them.
 */
export function splitText(text: string, section: RegExp, validate: RegExp): SplitResult {
  const sections = new Map<string, string[]>();
  let open: string[] | undefined;
  for (const [index, line] of text.split(/(?<=\n)/).entries()) {
    const found = section.exec(line.replace(/\r?\n$/, ''));
    if (found !== null) {
      const name = found[1] ?? '';
      if (!validate.test(name) || !isSafe(name))
        return { error: `line ${index + 1}: ${JSON.stringify(name)} is no valid section name` };
      open = [];
      sections.set(name, open);
    } else if (open !== undefined) open.push(line);
    else if (line.trim() !== '') return { error: `line ${index + 1}: text before the first section` };
  }
  return { sections: [...sections].map(([name, lines]) => ({ name, text: lines.join('') })) };
}
