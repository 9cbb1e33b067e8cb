// A structure whose main field is a list: the list alone stands for the whole.
import { s } from '@suite/shared/schema/index.ts';
import type { AnyField, Schema } from '@suite/shared/schema/shape.ts';
import type { StructValue } from '@suite/shared/schema/struct.ts';

export function listOr<F extends Readonly<Record<string, AnyField>>>(
  main: keyof F & string,
  fields: F,
): Schema<StructValue<F>> {
  const whole = s.struct(fields);
  const alone = fields[main]?.schema ?? s.any();
  return {
    shape: { kind: 'either', options: [alone, whole] },
    read(node, context) {
      if (node.kind !== 'sequence') return whole.read(node, context);
      const { file, line, column } = node;
      const key = { kind: 'scalar', text: main, quoted: false, file, line, column } as const;
      return whole.read({ kind: 'mapping', file, line, column, entries: [{ key, value: node }] }, context);
    },
  };
}
