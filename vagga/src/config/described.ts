// Sentences for values that tags choose, kept apart from their schemas so that both can be read.
import { s } from '@suite/shared/schema/index.ts';
import type { AnySchema } from '@suite/shared/schema/shape.ts';

/** The same variants, each with its sentence. */
export function described<V extends Readonly<Record<string, AnySchema>>>(
  variants: V,
  texts: { readonly [K in keyof V]: string },
): V {
  const entries = Object.entries(variants).map(([tag, schema]) => [
    tag,
    s.describe(schema, texts[tag] as string),
  ]);
  return Object.fromEntries(entries) as V;
}
