// Reads config files within limits, and remembers what they were like.
import { readFileSync, statSync } from 'node:fs';
import { CONFIG_BYTES_MAX } from '../../config/defaults.ts';
import type { ReadFile } from '../../config/read-config.ts';
import { type Stamp, stampOf } from './stamps.ts';

export class Reader {
  /** Of every file looked at, taken before reading so that a later change is noticed. */
  readonly stamps = new Map<string, Stamp>();

  readonly read: ReadFile = path => {
    try {
      this.stamps.set(path, stampOf(path));
      const stat = statSync(path);
      // Reading a pipe would wait for its writer, and a device has no end.
      if (!stat.isFile() && !stat.isDirectory()) return { error: 'it is not a regular file' };
      if (stat.size > CONFIG_BYTES_MAX) return { error: `it is larger than ${CONFIG_BYTES_MAX} bytes` };
      return readFileSync(path, 'utf8');
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      return code === 'ENOENT' || code === 'ENOTDIR' ? undefined : { error: message };
    }
  };
}
