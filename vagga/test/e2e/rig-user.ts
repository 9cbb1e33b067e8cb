// An ordinary user for tests, on any machine: known only in a mount namespace of the test, where it has an entry in the
// password file and in those of subordinate ids. The program is a copy that everybody may read.
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { removeTree } from './remove-tree.ts';

export const USER_UID = 61_100;
export const USER_GID = 61_101;
export const FIRST_SUBORDINATE = 700_000_000;
const NAME = 'vagga-test';

export interface UserOptions {
  /** Content of /etc/subuid and /etc/subgid; default: 65536 ids. */
  readonly subuid?: string;
  readonly subgid?: string;
  /** Programs that are not there: covered with an empty file without the right to be executed. */
  readonly without?: readonly string[];
  /** Shell commands of root before, in the mount namespace of the test. */
  readonly prepare?: string;
  /** All of it in a user namespace (with every id), where `prepare` may change kernel settings that are one's own there. */
  readonly ownSettings?: boolean;
  /** Words before vagga's own: a container that it runs in. */
  readonly through?: readonly string[];
}

/** Root maps every id to itself as soon as the namespace is there; who is in it waits for that. */
const IN_USER_NAMESPACE = `
home=$(readlink /proc/self/ns/user)
( until [ "$(readlink /proc/$$/ns/user)" != "$home" ]; do sleep 0.01; done
  for map in uid_map gid_map; do echo 0 0 4294967295 >/proc/$$/$map; done ) &
exec unshare --user sh -c 'until read -r _ </proc/self/gid_map; do sleep 0.01; done; exec "$@"' sh "$@"`;

const quote = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;
const read = (path: string) => (existsSync(path) ? readFileSync(path, 'utf8') : '');

export class TestUser {
  readonly directory = mkdtempSync(join(tmpdir(), 'vagga-user-'));
  readonly runtime = join(this.directory, 'run');
  readonly home = join(this.directory, 'home');
  readonly vagga = join(this.directory, 'vagga/bin/vagga.cjs');
  readonly #node: string;
  readonly #script: string;
  readonly #ownSettings: boolean;
  readonly #through: readonly string[];

  constructor(options: UserOptions = {}) {
    chmodSync(this.directory, 0o755);
    for (const path of [this.runtime, this.home]) this.#own(path);
    this.#install();
    this.#node = this.#accessibleNode();
    const ids = `${NAME}:${FIRST_SUBORDINATE}:65536\n`;
    this.#file('subuid', options.subuid ?? ids);
    this.#file('subgid', options.subgid ?? ids);
    const people = read('/etc/passwd')
      .split('\n')
      .filter(line => line !== '');
    const line = `${NAME}:x:${USER_UID}:${USER_GID}::${this.home}:/bin/sh`;
    this.#file('passwd', `${[...people, line].join('\n')}\n`);
    this.#file('nothing', '');
    chmodSync(join(this.directory, 'nothing'), 0o600);
    this.#script = this.#mounts(options);
    this.#ownSettings = options.ownSettings === true;
    this.#through = options.through ?? [];
  }

  #file(name: string, text: string): void {
    writeFileSync(join(this.directory, name), text, { mode: 0o644 });
  }

  #own(path: string): void {
    mkdirSync(path, { mode: 0o700 });
    chownSync(path, USER_UID, USER_GID);
  }

  /** As a package would place it; a checkout may be in a home that others cannot look into. */
  #install(): void {
    const root = process.env.SUITE_ROOT ?? '';
    const parts = ['vagga/bin', 'vagga/dist', 'shared/bin', 'node_modules/koffi', 'node_modules/@koromix'];
    for (const part of parts)
      cpSync(join(root, part), join(this.directory, part), {
        recursive: true,
        filter: path => !path.endsWith('dist/test') && !path.endsWith('koffi/doc'),
      });
  }

  #accessibleNode(): string {
    const tried = spawnSync('setpriv', [...this.#ids(), 'test', '-x', process.execPath]);
    if (tried.status === 0) return process.execPath;
    const copy = join(this.directory, 'node');
    cpSync(process.execPath, copy);
    chmodSync(copy, 0o755);
    return copy;
  }

  #ids(): string[] {
    return ['--reuid', String(USER_UID), '--regid', String(USER_GID), '--clear-groups'];
  }

  #mounts({ without = [], prepare = '' }: UserOptions): string {
    const bind = (name: string, target: string) =>
      `mount --bind ${quote(join(this.directory, name))} ${quote(target)}`;
    const files = ['subuid', 'subgid', 'passwd'].map(name => bind(name, `/etc/${name}`));
    const covered = without.map(program => bind('nothing', program));
    return [...files, ...covered, prepare || ':', 'exec "$@"'].join(' && ');
  }

  /** `argv` as the user, in its mount namespace. */
  words(argv: readonly string[]): string[] {
    const inside = ['setpriv', ...this.#ids(), ...argv];
    const mounts = [
      'unshare',
      '--mount',
      '--propagation',
      'slave',
      'sh',
      '-c',
      this.#script,
      'sh',
      ...inside,
    ];
    return this.#ownSettings ? ['sh', '-c', IN_USER_NAMESPACE, 'sh', ...mounts] : mounts;
  }

  vaggaWords(words: readonly string[]): string[] {
    return this.words([...this.#through, this.#node, this.vagga, ...words]);
  }

  environment(): Record<string, string> {
    return { HOME: this.home, XDG_RUNTIME_DIR: this.runtime, USER: NAME };
  }

  remove(): void {
    removeTree(this.directory);
  }
}
