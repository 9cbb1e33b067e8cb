/**
 * The YAML dialect of the suite: failsafe scalars (source text), tags that choose, anchors, `<<`, includes and `!*Unpack`,
 * with a position on every node. `spec/vagga.md` §1.1 and `spec/lithos.md` §2.0 describe it.
 *
 * Diagnostic codes: `syntax`, `limit`, `duplicate-key`, `bad-key`, `bad-tag`, `unknown-alias`, `merge`, `unpack`, `include`.
 */
import type { Result } from '../schema/diagnostic.ts';
import type { YamlNode } from './node.ts';
import { type PartialTree, readTree, type YamlOptions } from './tree.ts';

export type { YamlLimits } from './limits.ts';
export { YAML_LIMITS } from './limits.ts';
export type { MappingEntry, MappingNode, NullNode, ScalarNode, SequenceNode, YamlNode } from './node.ts';
export type { IncludeFile, PartialTree, YamlOptions } from './tree.ts';

/**
 * Never throws. An empty file is an implicit null at 1:1. A file that is no YAML gives its first error; otherwise all errors of
 * the file and of the files it includes come together.
 */
export function parseYaml(text: string, options: YamlOptions): Result<YamlNode> {
  const { root, errors } = readTree(text, options);
  return errors.length > 0 ? { ok: false, errors } : { ok: true, value: root, warnings: [] };
}

/** Never throws. For a tool that goes on to validate what is left, so that its user gets all errors at once. */
export function parseYamlPartly(text: string, options: YamlOptions): PartialTree {
  return readTree(text, options);
}
