// What the emitters of all steps share: the world they read from, and the usual shapes of fields.
import type { Container, Json } from '../../config/model.ts';
import { byCodePoint } from '../../config/order.ts';
import { snake } from '../../config/spelling.ts';
import type { FieldWriter, Scalar } from './fields.ts';
import type { TreeReader } from './tree.ts';

/** The container of another config that a step takes over, or why there is none. */
export type OtherContainer =
  | {
      readonly kind: 'found';
      readonly container: Container;
      /** The config and the name in it, for people and to recognise it again. */
      readonly title: string;
    }
  | { readonly kind: 'not-ready' | 'failed'; readonly message: string };

/** An image that is built: where `tree` shows its file system. */
export type BuiltImage =
  | { readonly kind: 'built'; readonly root: string }
  | { readonly kind: 'not-ready' | 'failed'; readonly message: string };

export interface HashWorld {
  readonly containers: Readonly<Record<string, Container>>;
  /** Paths below `/work` are the project's. */
  readonly tree: TreeReader;
  /** `git describe` of a repository below `/work`; throws NotHashable. */
  describe(repo: string, pattern: string | undefined): string;
  /** The container that a `!SubConfig` of this value means. */
  otherContainer(value: Json): OtherContainer;
  image(container: string): BuiltImage;
}

export type Fields = Readonly<Record<string, Json>>;
export type Emit = (out: FieldWriter, value: Json, world: HashWorld) => void;

const underscored = (key: string): string =>
  snake(key.replace(/[A-Z]/g, letter => `-${letter.toLowerCase()}`));

/** Descriptions: `name`, `name?` (only if set), `name[]` (list), `name!` (only if true), `name[]+` (only if not empty), `name/` (a path). */
export function fields(...descriptions: readonly string[]): Emit {
  const parsed = descriptions.map(text => ({
    key: text.replace(/[^a-zA-Z0-9]+$/, ''),
    how: text.replace(/^[a-zA-Z0-9]+/, ''),
  }));
  return (out, value) => {
    const all = value as Fields;
    for (const { key, how } of parsed) emitField(out, underscored(key), how, all[key]);
  };
}

function emitField(out: FieldWriter, key: string, how: string, value: Json | undefined): void {
  if (how.startsWith('[]')) {
    const list = (value ?? []) as string[];
    if (how === '[]' || list.length > 0) out.list(key, list);
  } else if (how === '!') {
    if (value === true) out.field(key, true);
  } else if (how.endsWith('?') && (value === undefined || value === null)) return;
  else if (how.startsWith('/')) out.path(key, value as string);
  else out.field(key, value as Scalar);
}

export const scalar =
  (key: string): Emit =>
  (out, value) =>
    out.field(key, value as string);

export const path =
  (key: string): Emit =>
  (out, value) =>
    out.path(key, value as string);

export const list =
  (key: string): Emit =>
  (out, value) =>
    out.list(key, value as string[]);

/** Two fields per entry, sorted by key. */
export const entries =
  (keyName: string, valueName: string, keyKind: 'path' | 'field' = 'path'): Emit =>
  (out, value) => {
    for (const [key, text] of Object.entries(value as Fields).sort(([a], [b]) => byCodePoint(a, b))) {
      out[keyKind](keyName, key);
      out.field(valueName, text as string);
    }
  };

/** `hash` when a checksum is given, else the address. */
export const hashOrUrl =
  (rest: Emit): Emit =>
  (out, value, world) => {
    const { sha256, url } = value as Fields;
    if (typeof sha256 === 'string') out.field('hash', sha256);
    else out.field('url', url as string);
    rest(out, value, world);
  };
