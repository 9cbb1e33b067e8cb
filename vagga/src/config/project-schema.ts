// The whole vagga.yaml as one schema: types, messages and the JSON schema for editors come from here.
import { s } from '@suite/shared/schema/index.ts';
import { atTag } from './at-tag.ts';
import { commandSchema } from './command-schemas.ts';
import { containerSchema } from './container-schema.ts';
import { text } from './steps/common.ts';

export const projectSchema = s.struct({
  'minimum-vagga': s.optional(s.located(text), 'an older program refuses the file'),
  mixins: s.withDefault(s.list(s.located(text)), [], 'files whose containers and commands are added'),
  containers: s.withDefault(s.map(s.located(containerSchema)), {}, 'images, by name'),
  commands: s.withDefault(s.map(atTag(commandSchema)), {}, 'what can be run, by name'),
});
