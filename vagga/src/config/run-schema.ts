// `run`: a script or a program with its arguments.
import { s } from '@suite/shared/schema/index.ts';
import type { Schema } from '@suite/shared/schema/shape.ts';

const script = s.text();
const words = s.list(s.text());

/** Errors: `run` {}, and those of texts. An anchor with a tag is easily copied here from a place where tags choose. */
export const runSchema: Schema<string | readonly string[]> = {
  shape: { kind: 'either', options: [script, words] },
  read(node, context) {
    if (node.kind === 'scalar') {
      if (node.tag === undefined) return node.text;
      const message = `Value must be a sequence or a scalar without a tag, not !${node.tag}`;
      return context.fail('run', message, { file: node.file, ...(node.tagAt ?? node) }, {});
    }
    if (node.kind !== 'sequence')
      return context.fail('run', 'Value must be a sequence or a scalar', node, {});
    if (node.items.length === 0)
      return context.fail('run', '`run` must contain at least a command to run', node, {});
    return words.read(node, context);
  },
};
