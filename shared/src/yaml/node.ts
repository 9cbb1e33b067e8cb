import type { Position } from '../schema/diagnostic.ts';

/** What every node knows. `line` and `column` are the start of the value; the tag before it is at `tagAt`. */
interface NodeBase extends Position {
  readonly file: string;
  /** `!Tag` without the `!`. */
  readonly tag?: string;
  readonly tagAt?: Position;
}

/** A scalar is its source text: no number, bool or date is recognised before a schema asks for one. */
export interface ScalarNode extends NodeBase {
  readonly kind: 'scalar';
  /** The content: unescaped, unfolded, without quotes. */
  readonly text: string;
  /** Quoted or a block scalar: can then never mean null or `<<`. */
  readonly quoted: boolean;
}

/** Nothing after a key, tag or dash (implicit), or a plain `~` or `null` (explicit). */
export interface NullNode extends NodeBase {
  readonly kind: 'null';
  readonly explicit: boolean;
}

export interface MappingEntry {
  readonly key: ScalarNode;
  readonly value: YamlNode;
}

export interface MappingNode extends NodeBase {
  readonly kind: 'mapping';
  /** Own entries in source order, then merged ones. Keys are unique. */
  readonly entries: readonly MappingEntry[];
}

export interface SequenceNode extends NodeBase {
  readonly kind: 'sequence';
  readonly items: readonly YamlNode[];
}

export type YamlNode = ScalarNode | NullNode | MappingNode | SequenceNode;
