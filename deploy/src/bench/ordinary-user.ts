import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Defer } from './harness.ts';

// A user that only this benchmark knows, with the ids that a distribution gives to each: vagga finds them in /etc, of which our
// mounts show another version. The program is a copy, since a checkout may be where others cannot look.

const ID = 61_200;
const NAME = 'bench-vagga';
const FIRST_SUBORDINATE = 710_000_000;

const PARTS = ['vagga/bin', 'vagga/dist', 'shared/bin', 'node_modules/koffi', 'node_modules/@koromix'];

export interface OrdinaryUser {
  /** A directory of the user. */
  readonly home: string;
  /** Program and first words. */
  readonly vagga: readonly string[];
  /** For `timedRun`. */
  readonly as: { readonly uid: number; readonly gid: number; readonly env: NodeJS.ProcessEnv };
  /** Makes a program start as root of the user's namespace, as quick as it gets. */
  readonly inNamespace: readonly string[];
  /** Of that namespace. */
  readonly gidMappings: readonly {
    readonly inside: number;
    readonly outside: number;
    readonly count: number;
  }[];
}

function showInEtc(directory: string, name: string, line: string): void {
  const [source, target] = [join(directory, name), join('/etc', name)];
  writeFileSync(source, `${existsSync(target) ? readFileSync(target, 'utf8') : ''}${line}\n`, {
    mode: 0o644,
  });
  const { status, stderr } = spawnSync('mount', ['--bind', source, target], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`no user for the benchmark: ${stderr}`);
}

function install(directory: string): void {
  const root = process.env.SUITE_ROOT ?? '.';
  for (const part of PARTS) cpSync(join(root, part), join(directory, part), { recursive: true });
}

function own(path: string): string {
  mkdirSync(path, { mode: 0o700 });
  chownSync(path, ID, ID);
  return path;
}

/** Only in a mount namespace that is ours; see namespace.ts. */
export function ordinaryUser(defer: Defer): OrdinaryUser {
  const directory = mkdtempSync(join(tmpdir(), 'bench-user-'));
  defer(() => rmSync(directory, { recursive: true, force: true }));
  chmodSync(directory, 0o755);
  install(directory);
  const [home, runtime] = [own(join(directory, 'home')), own(join(directory, 'run'))];
  for (const [name, line] of [
    ['passwd', `${NAME}:x:${ID}:${ID}::${home}:/bin/sh`],
    ['subuid', `${NAME}:${FIRST_SUBORDINATE}:65536`],
    ['subgid', `${NAME}:${FIRST_SUBORDINATE}:65536`],
  ] as const) {
    showInEtc(directory, name, line);
    defer(() => void spawnSync('umount', [join('/etc', name)]));
  }
  const range = `${FIRST_SUBORDINATE},1,65535`;
  return {
    home,
    vagga: [join(directory, 'vagga/bin/vagga.cjs')],
    as: {
      uid: ID,
      gid: ID,
      env: { PATH: process.env.PATH, HOME: home, XDG_RUNTIME_DIR: runtime, USER: NAME },
    },
    inNamespace: ['unshare', '--map-root-user', `--map-users=${range}`, `--map-groups=${range}`],
    gidMappings: [
      { inside: 0, outside: ID, count: 1 },
      { inside: 1, outside: FIRST_SUBORDINATE, count: 65_535 },
    ],
  };
}
