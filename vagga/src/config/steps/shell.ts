// Commands of the build and their environment.
import { s } from '@suite/shared/schema/index.ts';
import { flag, id, text, textMap, texts } from './common.ts';

export const shellSteps = {
  Sh: text,
  Cmd: texts,
  Env: textMap,
  RunAs: s.struct({
    'user-id': s.withDefault(id, 0, 'of the script'),
    'group-id': s.withDefault(id, 0, 'of the script'),
    'external-user-id': s.optional(id, 'owner of the files that the script makes'),
    'supplementary-gids': s.withDefault(s.list(id), [], 'further groups'),
    'work-dir': s.withDefault(text, '/work', 'relative to /work'),
    'isolate-network': flag(false, 'the script sees a loopback network only'),
    script: s.required(text, 'shell script'),
  }),
};
