// Stamps of an image with many files: a file of its own, so that a start that asks for something else does not read them, in a form
// that is compared without being parsed.
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { FileStatus } from '@suite/shared/linux/statx.ts';
import { temporaryFor } from '../storage/temporary.ts';
import { HOW, isUnchanged, type Stamp } from './stamps.ts';

/** Where they are, and which: another process may have packed others in the meantime. */
export interface PackedStamps {
  readonly file: string;
  readonly id: number;
}

/** `how`, then the five of a stamp. */
const NUMBERS = 6;
const BYTES = 8;
/** From here on loading the library for system calls (0.8 ms) is won back more than twice. */
const MANY = 1000;

/** Layout: id, number of stamps, the numbers of all, then the paths, each ended by NUL. All numbers are doubles. */
export function packStamps(file: string, stamps: readonly Stamp[]): PackedStamps {
  const id = Math.floor(Math.random() * Number.MAX_SAFE_INTEGER);
  const numbers = new Float64Array(2 + stamps.length * NUMBERS);
  numbers.set([id, stamps.length]);
  for (const [index, [, how, ...rest]] of stamps.entries())
    numbers.set([how, ...(rest.length > 0 ? rest : [Number.NaN])], 2 + index * NUMBERS);
  const paths = Buffer.from(stamps.map(([path]) => `${path}\0`).join(''));
  mkdirSync(dirname(file), { recursive: true });
  const temporary = temporaryFor(file);
  writeFileSync(temporary, Buffer.concat([Buffer.from(numbers.buffer), paths]));
  renameSync(temporary, file);
  return { file, id };
}

/** A copy begins where doubles may begin. */
function doubles(bytes: Buffer, from: number, count: number): Float64Array {
  const copy = bytes.subarray(from, from + count * BYTES);
  return new Float64Array(copy.buffer.slice(copy.byteOffset, copy.byteOffset + copy.byteLength));
}

/** `at`: of `how`. */
type IsSameAt = (path: string, numbers: Float64Array, at: number) => boolean;

const sameByNode: IsSameAt = (path, numbers, at) =>
  isUnchanged(path, numbers[at] as number, Number.isNaN(numbers[at + 1]), numbers, at + 1);

const sameByStatx =
  (status: FileStatus): IsSameAt =>
  (path, numbers, at) => {
    const how = numbers[at];
    if (how === HOW.unsettled) return false;
    if (status.read(path, how === HOW.followed)) return status.equals(numbers, at + 1);
    return sameByNode(path, numbers, at);
  };

/** False as well when the file is not the one that was packed. */
export function packedAreFresh({ file, id }: PackedStamps): boolean {
  try {
    const bytes = readFileSync(file);
    const [found, count = 0] = doubles(bytes, 0, 2);
    if (found !== id) return false;
    const numbers = doubles(bytes, 2 * BYTES, count * NUMBERS);
    const paths = bytes.toString('utf8', (2 + count * NUMBERS) * BYTES).split('\0');
    // Zeros in place of a part that never came to the disk would be ends of paths.
    if (paths.length !== count + 1) return false;
    const isSameAt = count < MANY ? sameByNode : sameByStatx(new FileStatus());
    for (let index = 0; index < count; index++) {
      if (!isSameAt(paths[index] as string, numbers, index * NUMBERS)) return false;
    }
    return true;
  } catch {
    return false;
  }
}
