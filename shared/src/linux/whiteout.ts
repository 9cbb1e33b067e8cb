import { makeNode } from './nodes.ts';

/** The mark of overlayfs for "this name is gone": a character device 0:0, which a user namespace may make too (Linux 5.8). */
export function makeWhiteout(path: Buffer): void {
  makeNode(path, { kind: 'character' });
}
