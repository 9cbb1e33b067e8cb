// The root file system of the capsule: BusyBox, places to mount on, and vagga itself as a command.
import {
  chmodSync,
  copyFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { flushFileSystem } from '@suite/shared/linux/sync.ts';
import { SEARCH_PATH } from '../../config/defaults.ts';
import { temporaryFor } from '../storage/temporary.ts';
import { applets, type Busybox } from './busybox.ts';

/** Where programs and their libraries are; `/bin` is the capsule's own. */
export const HOST_DIRECTORIES = ['/usr', '/lib', '/lib32', '/lib64', '/libx32', '/sbin', '/etc', '/opt'];

/** On hosts where it is a directory of its own. */
export const HOST_BIN = '/vagga/host-bin';

const PLACES = [
  'bin',
  'dev',
  'proc',
  'run',
  'sys',
  'tmp',
  'var/tmp',
  'vagga/bin',
  'vagga/cache',
  'vagga/node',
  'vagga/suite',
  'volumes',
  'work',
];

/** Raised when what is made here changes. */
const FORMAT = 2;

/** Where the checkout or installation is that this program belongs to, and Node when it is not in a usual place. */
export const SUITE = '/vagga/suite';
export const NODE = '/vagga/node';

export function suiteRoot(): string {
  return join(dirname(realpathSync(process.argv[1] as string)), '../..');
}

export const isBelow = (path: string, directory: string): boolean =>
  path === directory || path.startsWith(`${directory}/`);

/** Does the host have something at this path that in the capsule is the project's? */
export const isHidden = (path: string): boolean => isBelow(path, '/work');

export const isUsualPlace = (path: string): boolean =>
  HOST_DIRECTORIES.some(directory => isBelow(path, directory));

const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

/** In the capsule the project is at /work; vagga itself works at its own place, so that what it writes is true outside too. */
function wrapper(project: string): string {
  const path = `${SEARCH_PATH}:${HOST_BIN}`;
  const node = isUsualPlace(process.execPath) ? process.execPath : join(NODE, basename(process.execPath));
  const home = isHidden(project) ? '/work' : project;
  return `#!/bin/sh
case $PWD/ in /work/*) cd ${quoted(home)}"\${PWD#/work}" ;; esac
export _VAGGA_PATH="$PATH"
PATH=${path} exec ${quoted(node)} -- ${SUITE}/vagga/bin/vagga.cjs "$@"
`;
}

function fill(root: string, busybox: Busybox): void {
  for (const place of PLACES) mkdirSync(join(root, place), { recursive: true });
  copyFileSync(busybox.path, join(root, 'bin/busybox'));
  chmodSync(join(root, 'bin/busybox'), 0o755);
  for (const name of applets(busybox)) {
    if (name !== 'busybox') symlinkSync('busybox', join(root, 'bin', name));
  }
  // Scripts of the host's tools are written for it.
  if (!existsSync(join(root, 'bin/bash'))) symlinkSync('/usr/bin/bash', join(root, 'bin/bash'));
  for (const path of HOST_DIRECTORIES) {
    const stat = lstatSync(path, { throwIfNoEntry: false });
    if (stat?.isSymbolicLink()) symlinkSync(readlinkSync(path), join(root, path));
    else if (stat?.isDirectory()) mkdirSync(join(root, path));
  }
}

/** Made once per version of BusyBox. `base`: the project's `.vagga`; returns the root's path. */
export function capsuleRoot(base: string, project: string, busybox: Busybox): string {
  const directory = join(base, '.capsule');
  const root = join(directory, `${FORMAT}-${busybox.key}`);
  if (!existsSync(root)) {
    const temporary = join(directory, `.tmp.${process.pid}`);
    rmSync(temporary, { recursive: true, force: true });
    fill(temporary, busybox);
    flushFileSystem(temporary);
    try {
      renameSync(temporary, root);
    } catch {
      // Somebody else was faster.
      rmSync(temporary, { recursive: true, force: true });
    }
  }
  const program = join(root, 'vagga/bin/vagga');
  const successor = temporaryFor(program);
  writeFileSync(successor, wrapper(project), { mode: 0o755 });
  renameSync(successor, program);
  return root;
}
