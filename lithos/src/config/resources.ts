// What a container may use up: io limits of devices, and rlimits of its processes.
import { s } from '@suite/shared/schema/index.ts';

const perSecond = (what: string) => s.withDefault(s.nullable(s.int({ min: 1 })), null, `${what} a second.`);

/** The device is the key: an absolute path of a block device. */
export const ioLimitsSchema = s.struct({
  'read-bytes': perSecond('Bytes read'),
  'write-bytes': perSecond('Bytes written'),
  'read-ops': perSecond('Reads'),
  'write-ops': perSecond('Writes'),
});

/** As in setrlimit(2), without RLIMIT_; `nofile` is `fileno-limit`. */
const RLIMITS: readonly string[] = [
  'as',
  'core',
  'cpu',
  'data',
  'fsize',
  'locks',
  'memlock',
  'msgqueue',
  'nice',
  'nproc',
  'rss',
  'rtprio',
  'rttime',
  'sigpending',
  'stack',
];

export const rlimitsSchema = s.map(s.int({ min: 0 }), {
  keyPattern: new RegExp(`^(${RLIMITS.join('|')})$`),
  keyHint: 'the open files are `fileno-limit`',
});
