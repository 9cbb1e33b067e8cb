// One entry of an image copied with all that belongs to it.
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  constants,
  copyFileSync,
  lchownSync,
  lstatSync,
  lutimesSync,
  readlinkSync,
  symlinkSync,
} from 'node:fs';
import { getXattr, listXattrs, setPathXattr } from '@suite/shared/linux/xattr.ts';

/** Paths hold one character per byte, for names that are not UTF-8. */
export const bytes = (path: string): Buffer => Buffer.from(path, 'latin1');
export const fromBytes = (path: string): string => Buffer.from(path).toString('latin1');

/** overlayfs keeps its own notes there; they mean nothing outside of a layer. */
const OVERLAY_NOTES = /^(trusted|user)\.overlay\./;

/** Mode, owner, attributes and times, without what only overlayfs understands. */
export function dress(source: string, target: string): void {
  const stat = lstatSync(bytes(source));
  const path = bytes(target);
  lchownSync(path, stat.uid, stat.gid);
  if (!stat.isSymbolicLink()) chmodSync(path, stat.mode & 0o7777);
  for (const name of listXattrs(bytes(source))) {
    const value = OVERLAY_NOTES.test(name) ? undefined : getXattr(bytes(source), name);
    if (value !== undefined) setPathXattr(path, name, value);
  }
  lutimesSync(path, stat.atimeMs / 1000, stat.mtimeMs / 1000);
}

/** Anything but a directory; shares blocks where the file system can. */
export function copyFile(source: string, target: string): void {
  const stat = lstatSync(bytes(source));
  if (stat.isFile()) copyFileSync(bytes(source), bytes(target), constants.COPYFILE_FICLONE);
  else if (stat.isSymbolicLink()) symlinkSync(readlinkSync(bytes(source), 'buffer'), bytes(target));
  else copySpecial(source, target);
  dress(source, target);
}

/** Devices, pipes and sockets are rare, and Node cannot make them. */
function copySpecial(source: string, target: string): void {
  const argv = ['-a', '--', bytes(source), bytes(target)] as unknown as string[];
  if (spawnSync('cp', argv, { stdio: 'ignore' }).status !== 0) throw new Error(`cannot copy ${target}`);
}
