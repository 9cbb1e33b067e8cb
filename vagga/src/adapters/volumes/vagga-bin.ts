// `!VaggaBin`: this program as a directory that works in any container: with its Node, the libraries of both and the loader that
// goes with these, since an image may have others or none. Made once per version, in the cache.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  constants,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { findProgram } from '@suite/shared/linux/programs.ts';
import { flushFileSystem } from '@suite/shared/linux/sync.ts';
import { VAGGA_BIN_AGE_MS } from '../../config/defaults.ts';
import type { Layout } from '../image/layout.ts';
import { VolumeError } from './place.ts';

/** Raised when the content of the directory changes. */
const FORMAT = 2;

/** Of the checkout or package. */
const PARTS = ['vagga/bin', 'vagga/dist', 'shared/bin', 'node_modules/koffi', 'node_modules/@koromix'];

/** Programs of the host that ours starts: those of an image may be others of the same name. */
const TOOLS = ['crun', 'runc', 'unshare', 'nsenter', 'setpriv', 'ip', 'nft', 'iptables-restore', 'rm', 'cp'];

const LOADER = /(?:^|\/)ld(?:-linux[^/]*|-musl[^/]*|64)\.so\.\d+$/;

/** `$here`: the directory of the script, through any links. */
const HERE = `#!/bin/sh
self=$0
while [ -h "$self" ]; do
  link=$(readlink "$self")
  case $link in /*) self=$link ;; *) self=\${self%/*}/$link ;; esac
done
here=$(cd "\${self%/*}" && pwd)
`;

/** Libraries of a program, with its loader; none of a static one. */
function libraries(program: string): string[] {
  const { stdout } = spawnSync('ldd', [program], { encoding: 'utf8' });
  const paths = (stdout ?? '').split('\n').map(line => /(\/\S+) \(0x/.exec(line)?.[1]);
  return paths.filter(path => path !== undefined);
}

function write(path: string, text: string): void {
  writeFileSync(path, text, { mode: 0o755 });
}

/** A program of the host with a script of its name that starts it; `root` is where `$here` leads, seen from the script. */
function addProgram(directory: string, program: string, script: string, more = ''): void {
  const name = basename(program);
  const libs = libraries(program);
  for (const path of libs) {
    const target = join(directory, 'lib', basename(path));
    if (!existsSync(target)) copyFileSync(path, target, constants.COPYFILE_FICLONE);
  }
  copyFileSync(program, join(directory, 'programs', name), constants.COPYFILE_FICLONE);
  const loader = libs.find(path => LOADER.test(path));
  const start = loader === undefined ? '' : `"$root/lib/${basename(loader)}" --library-path "$root/lib" `;
  write(join(directory, script), `${HERE}root=$here/..\n${more}exec ${start}"$root/programs/${name}" "$@"\n`);
}

/** The directory of vagga, shared and node_modules: two above that of the started file. */
function installed(): string {
  return join(realpathSync(process.argv[1] ?? ''), '../../..');
}

function fill(directory: string, from: string): void {
  for (const name of ['lib', 'programs', 'tools', 'node']) mkdirSync(join(directory, name));
  for (const part of PARTS) {
    if (!existsSync(join(from, part))) continue;
    cpSync(join(from, part), join(directory, 'app', part), {
      recursive: true,
      filter: path => !path.endsWith('dist/test') && !path.endsWith('koffi/doc'),
    });
  }
  // Node starts itself by this name: the loader alone would be taken for it.
  addProgram(directory, realpathSync(process.execPath), 'node/node', 'export _VAGGA_NODE=$here/node\n');
  for (const tool of TOOLS) {
    const program = findProgram(tool);
    if (program !== undefined) addProgram(directory, realpathSync(program), `tools/${tool}`);
  }
  const path = 'export PATH="$here/tools:$PATH"\n';
  write(
    join(directory, 'vagga'),
    `${HERE}${path}exec "$here/node/node" -- "$here/app/vagga/bin/vagga.cjs" "$@"\n`,
  );
}

function keyOf(from: string): string {
  const files = [join(from, 'vagga/dist/vagga-full.cjs'), join(from, 'vagga/dist/vagga.cjs')];
  const tools = TOOLS.map(tool => findProgram(tool)).filter(path => path !== undefined);
  const stamps = [...files, realpathSync(process.execPath), ...tools].map(path => {
    const { size, mtimeMs } = statSync(path);
    return `${path} ${size} ${mtimeMs}`;
  });
  return createHash('sha256')
    .update(`${FORMAT}\n${stamps.join('\n')}`)
    .digest('hex')
    .slice(0, 16);
}

function touch(path: string): void {
  const nowS = Date.now() / 1000;
  utimesSync(path, nowS, nowS);
}

/** Of versions that came before. */
function removeUnused(place: string): void {
  for (const name of readdirSync(place)) {
    const path = join(place, name);
    if (Date.now() - statSync(path).mtimeMs > VAGGA_BIN_AGE_MS)
      rmSync(path, { recursive: true, force: true });
  }
}

/** Absolute path of a directory with the program `vagga`. */
export function vaggaBin(layout: Layout): string {
  const place = layout.cache('vagga-bin');
  const from = installed();
  const path = join(place, keyOf(from));
  if (existsSync(path)) {
    touch(path);
    return path;
  }
  mkdirSync(place, { recursive: true });
  removeUnused(place);
  const making = mkdtempSync(join(place, '.tmp.'));
  try {
    fill(making, from);
    // It was made for us alone; users of the container look into it too.
    chmodSync(making, 0o755);
    flushFileSystem(making);
    renameSync(making, path);
    return path;
  } catch (error) {
    rmSync(making, { recursive: true, force: true });
    if (existsSync(path)) return path;
    throw new VolumeError(`!VaggaBin: ${(error as Error).message}`);
  }
}
