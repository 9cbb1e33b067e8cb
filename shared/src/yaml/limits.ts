/** Limits on what is read from a YAML file and everything it includes. */
export interface YamlLimits {
  /** UTF-8 bytes of one file. */
  readonly bytes: number;
  /** Collections inside collections, aliases and includes followed. */
  readonly depth: number;
  /** Nodes of the whole tree, every use of an alias counted in full (an alias bomb is short text). */
  readonly nodes: number;
  /** Included files, repeated ones counted again. */
  readonly includes: number;
}

export const YAML_LIMITS: YamlLimits = {
  // The biggest hand-written configs seen are about 60 kB.
  bytes: 1 << 20,
  // Real files stay under 12; recursion over 64 levels needs no care about the stack.
  depth: 64,
  // 1 MiB of text cannot hold many more without aliases.
  nodes: 100_000,
  includes: 100,
};

/** Bytes of `text` in UTF-8, without encoding it. */
export function utf8Length(text: string): number {
  let bytes = text.length;
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    if (unit >= 0x800) bytes += unit >= 0xd800 && unit <= 0xdfff ? 1 : 2;
    else if (unit >= 0x80) bytes++;
  }
  return bytes;
}
