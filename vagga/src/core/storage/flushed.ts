// Whether a directory that was made whole is still whole. What is written stays in memory for half a minute before the kernel
// brings it to the disk; a power cut in that time leaves names whose files are empty or torn. So each new directory has a mark that
// says when and where it was made, until all of it is known to be on the disk:
//
//   made ──▶ in memory ──(flushed)──▶ on disk
//                └──(the machine goes down)──▶ lost

export type Flushed = 'on-disk' | 'in-memory' | 'lost';

/** `boot` changes with every start of the machine; `inode`: of the directory. */
export const flushMark = (boot: string, inode: number): string => `${boot}.${inode}`;

/** A mark with another inode came with a copy of the directory (a cache of CI, a backup): whoever copied has read what was in memory. */
export function flushedState(mark: string | undefined, boot: string, inode: number): Flushed {
  if (mark === undefined || !mark.endsWith(`.${inode}`)) return 'on-disk';
  return mark === flushMark(boot, inode) ? 'in-memory' : 'lost';
}
