// Pieces that several steps share.
import { s } from '@suite/shared/schema/index.ts';

export const text = s.text();
export const texts = s.list(text);
export const textMap = s.map(text);
export const absolute = s.path('absolute');
export const relative = s.path('relative');
/** Ids inside a container. */
export const id = s.int({ min: 0, max: 2 ** 30 });
export const flag = (value: boolean, description: string) => s.withDefault(s.bool(), value, description);
export const list = (description: string) => s.withDefault(texts, [], description);

/** Which entries of a tree are taken (`!Copy`, `!Depends`). */
export const filter = {
  'ignore-regex': s.optional(
    text,
    'leaves out paths that match; a default leaves out version control and backups',
  ),
  'include-regex': s.optional(text, 'takes only paths that match'),
  rules: list('patterns in the style of .gitignore, instead of regular expressions; `!` leaves out'),
  'no-default-rules': s.optional(
    s.bool(),
    'the rules that leave out version control and backups do not apply',
  ),
};

/** What a source package usually wants. */
export const INSTALL_SCRIPT = './configure --prefix=/usr\nmake\nmake install\n';
