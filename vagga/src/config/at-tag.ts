// Positions for values chosen by a tag: a failed step is looked for where its `!Tag` stands, which may be lines above its value.
import type { Located, Schema } from '@suite/shared/schema/index.ts';
import { FAILED } from '@suite/shared/schema/shape.ts';

/** Like `s.located`, but at the tag. */
export function atTag<T>(inner: Schema<T>): Schema<Located<T>> {
  return {
    shape: { kind: 'wrapped', inner },
    read(node, context) {
      const value = inner.read(node, context);
      if (value === FAILED) return FAILED;
      const { line, column } = node.tagAt ?? node;
      return { value, node: { file: node.file, line, column } };
    },
  };
}
