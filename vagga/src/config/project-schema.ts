// The whole vagga.yaml as one schema: types, messages and the JSON schema for editors come from here.
import { s } from '@suite/shared/schema/index.ts';
import { atTag } from './at-tag.ts';
import { KILL_UNRESPONSIVE_AFTER_S } from './defaults.ts';
import { stepSchema } from './step-schemas.ts';
import { volumeSchema } from './volume-schemas.ts';

const text = s.text();
const texts = s.list(text);
const textMap = s.map(text);
const id = s.int({ min: 0, max: 2 ** 30 });
const volumes = s.withDefault(s.map(atTag(volumeSchema), { keyPattern: /^\// }), {});
const idRanges = s.withDefault(s.list(s.text({ pattern: /^\d+(-\d+)?$/, hint: 'write N or A-B' })), []);
const mountedFile = (path: string) => s.withDefault(s.nullable(s.path('absolute')), path);

const containerSchema = s.struct({
  setup: s.withDefault(s.list(atTag(stepSchema)), []),
  'data-dirs': s.withDefault(s.list(s.path('absolute')), []),
  'image-cache-url': s.optional(text),
  'auto-clean': s.withDefault(s.bool(), false),
  environ: s.withDefault(textMap, {}),
  'environ-file': s.optional(text),
  'default-shell': s.withDefault(texts, []),
  'resolv-conf-path': mountedFile('/etc/resolv.conf'),
  'hosts-file-path': mountedFile('/etc/hosts'),
  uids: idRanges,
  gids: idRanges,
  volumes,
});

const common = {
  description: s.optional(text),
  banner: s.optional(text),
  'banner-delay': s.optional(s.int({ min: 0 })),
  epilog: s.optional(text),
  prerequisites: s.withDefault(texts, []),
  aliases: s.withDefault(texts, []),
  group: s.optional(text),
  'expect-inotify-limit': s.optional(s.int({ min: 0 })),
  'symlink-name': s.optional(text),
  'isolate-network': s.withDefault(s.bool(), false),
  tags: s.withDefault(texts, []),
  'pass-tcp-socket': s.optional(text),
};

const running = {
  ...common,
  container: s.required(text),
  run: s.required(s.either(text, texts)),
  'work-dir': s.optional(text),
  'accepts-arguments': s.optional(s.bool()),
  environ: s.withDefault(textMap, {}),
  volumes,
  'write-mode': s.withDefault(s.choice(['read-only', 'transient-hard-link-copy']), 'read-only'),
  pid1mode: s.withDefault(s.choice(['wait', 'wait-all-children', 'exec']), 'wait'),
  'user-id': s.withDefault(id, 0),
  'group-id': s.withDefault(id, 0),
  'external-user-id': s.optional(id),
  'supplementary-gids': s.withDefault(s.list(id), []),
};

const childSchema = s.tagged({
  Command: s.struct({ ...running, network: s.optional(s.any()) }),
  BridgeCommand: s.any(),
});

const superviseSchema = s.struct({
  ...common,
  options: s.optional(text),
  mode: s.withDefault(s.choice(['stop-on-failure', 'wait-all-successful']), 'stop-on-failure'),
  children: s.withDefault(s.map(atTag(childSchema)), {}),
  'kill-unresponsive-after': s.withDefault(s.int({ min: 1, max: 86_400 }), KILL_UNRESPONSIVE_AFTER_S),
});

const commandSchema = s.tagged({
  Command: s.struct({ ...running, options: s.optional(text) }),
  Supervise: superviseSchema,
  CapsuleCommand: s.any(),
});

export const projectSchema = s.struct({
  'minimum-vagga': s.optional(s.located(text)),
  mixins: s.withDefault(s.list(s.located(text)), []),
  containers: s.withDefault(s.map(s.located(containerSchema)), {}),
  commands: s.withDefault(s.map(atTag(commandSchema)), {}),
});
