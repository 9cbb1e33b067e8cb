// Containers: how an image is built, and what every command in it gets.
import { s } from '@suite/shared/schema/index.ts';
import { atTag } from './at-tag.ts';
import { absolute, list, text, textMap } from './steps/common.ts';
import { stepSchema } from './steps/index.ts';
import { volumesSchema } from './volume-schemas.ts';

export const volumesField = s.withDefault(volumesSchema, {}, 'what is mounted, by path in the container');

/** The kernel's ids have 32 bits, and the last of them means "none". */
const ID_MAX = 2 ** 32 - 2;

function rangeProblem(text: string): string | undefined {
  const [first = 0, last = first] = text.split('-').map(Number);
  if (last < first) return `the range ${text} ends before it begins`;
  return last > ID_MAX ? `ids are at most ${ID_MAX}` : undefined;
}

export const idRanges = s.withDefault(
  s.list(s.check(s.text({ pattern: /^\d+(-\d+)?$/, hint: 'write N or A-B' }), rangeProblem)),
  [],
  'ids that exist in the container; 0-65535 when none is given',
);

const mountedFile = (path: string) =>
  s.withDefault(s.nullable(absolute), path, 'where the host’s file appears; null: nowhere');

export const containerSchema = s.struct({
  setup: s.withDefault(s.list(atTag(stepSchema)), [], 'steps of the build, in their order'),
  'data-dirs': s.withDefault(s.list(absolute), [], 'all that is kept of the image, if given'),
  'image-cache-url': s.optional(text, 'of an image to download instead of building it'),
  'auto-clean': s.withDefault(s.bool(), false, 'the image that a new one replaces is deleted'),
  environ: s.withDefault(textMap, {}, 'variables of commands'),
  'environ-file': s.optional(text, 'in the image, with lines NAME=VALUE'),
  'default-shell': list('runs scripts; `$cmdline` stands for the script'),
  'resolv-conf-path': mountedFile('/etc/resolv.conf'),
  'hosts-file-path': mountedFile('/etc/hosts'),
  uids: idRanges,
  gids: idRanges,
  volumes: volumesField,
});
