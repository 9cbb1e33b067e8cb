// A part of an image that is going to be written in place: its files must not be those of layers or of other images.
import { lstatSync, readdirSync, renameSync } from 'node:fs';
import { bytes, copyFile, fromBytes } from './copy-file.ts';

function ownBelow(path: string): void {
  const stat = lstatSync(bytes(path));
  if (stat.isDirectory())
    for (const name of readdirSync(bytes(path), { encoding: 'latin1' })) ownBelow(`${path}/${name}`);
  else if (stat.nlink > 1) {
    copyFile(path, `${path}.vagga-own`);
    renameSync(bytes(`${path}.vagga-own`), bytes(path));
  }
}

/** Each file that has other names becomes a copy. Costs a look at every file. */
export function ownFiles(path: string): void {
  ownBelow(fromBytes(path));
}
