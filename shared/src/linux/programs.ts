// Where the programs of this machine are.
import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';

/** By us, now. */
export function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Absolute path of a program; /usr/sbin is looked at too, where runc is and a user's PATH often is not. */
export function findProgram(name: string, path = process.env.PATH ?? ''): string | undefined {
  const directories = [...path.split(':'), '/usr/bin', '/usr/sbin', '/bin', '/sbin'];
  return directories
    .filter(directory => directory.startsWith('/'))
    .map(directory => join(directory, name))
    .find(isExecutable);
}
