// Layers shown by fuse-overlayfs, where the kernel refuses: old kernels in user namespaces, a container's own overlay below.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { lstatSync, readdirSync, rmSync, utimesSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { umount } from '@suite/shared/linux/mount.ts';
import { endWithUs } from '../oci/engine.ts';
import { bytes, fromBytes } from './copy-file.ts';
import { type Marks, marksOf } from './marks.ts';
import { escaped, lowerOf } from './overlay.ts';
import { prepareUpper, type View } from './view.ts';

/** Its process answers for the mount; looking whether it is there costs microseconds. */
const LOOK_MS = 2;

const isMounted = (root: string): boolean => lstatSync(root).dev !== lstatSync(dirname(root)).dev;

const MARKS = new Set(['.wh..wh..opq', '.wh..opq']);

/** It marks directories also by names, for file systems without attributes; the kernel's marks are enough. */
function removeMarks(directory: string): void {
  const { atimeMs, mtimeMs } = lstatSync(bytes(directory));
  let changed = false;
  for (const entry of readdirSync(bytes(directory), { withFileTypes: true, encoding: 'latin1' })) {
    const path = `${directory}/${entry.name}`;
    if (MARKS.has(entry.name)) rmSync(bytes(path));
    else if (entry.isDirectory()) removeMarks(path);
    changed ||= MARKS.has(entry.name);
  }
  if (changed) utimesSync(bytes(directory), atimeMs / 1000, mtimeMs / 1000);
}

export class FuseView implements View {
  readonly kind = 'fuse';
  #root = '';
  #diff = '';
  #marks: Marks = 'overlayfs';
  #server: ChildProcess | undefined;

  async open(root: string, layers: readonly string[], place: string, base: string): Promise<void> {
    const { diff, work, below } = prepareUpper(root, layers, place);
    const options = `lowerdir=${lowerOf(below, base)},upperdir=${escaped(diff)},workdir=${escaped(work)}`;
    // In the foreground and ended with us: as a daemon it would keep our mounts alive.
    const [program = '', ...rest] = endWithUs('TERM', ['fuse-overlayfs', '-f', '-o', options, root]);
    const server = spawn(program, rest, { cwd: base, stdio: 'ignore', detached: true });
    let failed = false;
    server.once('error', () => {
      failed = true;
    });
    while (!failed && server.exitCode === null && !isMounted(root)) await delay(LOOK_MS);
    if (failed || server.exitCode !== null) throw new Error('fuse-overlayfs cannot be used here');
    this.#server = server;
    this.#root = root;
    this.#diff = diff;
    this.#marks = marksOf(base);
  }

  async close(): Promise<void> {
    const server = this.#server;
    if (server === undefined) return;
    this.#server = undefined;
    const ended = server.exitCode === null ? once(server, 'exit') : undefined;
    umount(this.#root, true);
    await ended;
    if (this.#marks === 'overlayfs') removeMarks(fromBytes(this.#diff));
  }

  kept(): void {}
}
