// Where cargo and go find programs: a registry of crates with a git index, and a module proxy, both of plain files.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

type Files = Readonly<Record<string, string>>;

function write(root: string, files: Files): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
}

/** Packs `files` with `program`, which runs above them. */
function pack(files: Files, target: string, program: string, ...words: readonly string[]): void {
  const place = mkdtempSync(join(tmpdir(), 'vagga-sources-'));
  write(place, files);
  mkdirSync(dirname(target), { recursive: true });
  execFileSync(
    program,
    [...words, target, ...new Set(Object.keys(files).map(path => path.split('/')[0] ?? ''))],
    {
      cwd: place,
    },
  );
  rmSync(place, { recursive: true });
}

interface Crate {
  readonly name: string;
  readonly version: string;
  /** Name → version; the lock of the crate names them too. */
  readonly needs?: Readonly<Record<string, string>>;
  readonly files: Files;
}

/** As crates.io lays it out: names of four and more letters below their first two pairs. */
const placeOf = (name: string) => `${name.slice(0, 2)}/${name.slice(2, 4)}/${name}`;
const CRATES_IO = 'registry+https://github.com/rust-lang/crates.io-index';

export class CrateRegistry {
  readonly #root: string;
  /** Where containers see it. */
  readonly #seen: string;
  readonly #index: Record<string, string> = {};
  readonly #sums = new Map<string, string>();

  constructor(root: string, seen: string) {
    this.#root = root;
    this.#seen = seen;
    this.#index['config.json'] = JSON.stringify({ dl: `file://${seen}/crates/{crate}-{version}.crate` });
  }

  #lock({ name, version, needs = {} }: Crate): string {
    const own = `[[package]]\nname = "${name}"\nversion = "${version}"\n`;
    const names = Object.keys(needs).map(need => `"${need}"`);
    const others = Object.entries(needs).map(
      ([need, at]) =>
        `[[package]]\nname = "${need}"\nversion = "${at}"\nsource = "${CRATES_IO}"\nchecksum = "${this.#sums.get(need)}"\n`,
    );
    return `version = 3\n\n${others.join('\n')}\n${own}dependencies = [${names.join(', ')}]\n`;
  }

  /** What it needs is added before it. */
  add(crate: Crate): void {
    const { name, version, needs = {}, files } = crate;
    const wanted = Object.entries(needs).map(([need, at]) => `${need} = "${at}"\n`);
    const manifest = `[package]\nname = "${name}"\nversion = "${version}"\nedition = "2021"\n\n[dependencies]\n${wanted.join('')}`;
    const all = { ...files, 'Cargo.toml': manifest, 'Cargo.lock': this.#lock(crate) };
    const inside = Object.entries(all).map(([path, text]) => [`${name}-${version}/${path}`, text]);
    const target = join(this.#root, `crates/${name}-${version}.crate`);
    pack(Object.fromEntries(inside), target, 'tar', '-czf');
    const cksum = createHash('sha256').update(readFileSync(target)).digest('hex');
    this.#sums.set(name, cksum);
    const deps = Object.entries(needs).map(([need, at]) => ({
      ...{ name: need, req: `^${at}`, features: [], optional: false, default_features: true, target: null },
      kind: 'normal',
    }));
    const line = { name, vers: version, deps, cksum, features: {}, yanked: false };
    this.#index[placeOf(name)] = `${this.#index[placeOf(name)] ?? ''}${JSON.stringify(line)}\n`;
  }

  /** Commits the index. */
  publish(): void {
    const index = join(this.#root, 'index');
    write(index, this.#index);
    const git = (...words: readonly string[]) =>
      execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@b', ...words], { cwd: index });
    git('init', '-q', '-b', 'master');
    git('add', '.');
    git('commit', '-qm', 'index');
  }

  /** Of cargo: this registry is crates.io. */
  get config(): string {
    return `[source.crates-io]\nreplace-with = "ours"\n[source.ours]\nregistry = "file://${this.#seen}/index"\n`;
  }
}

/** Adds a module to the proxy in `root`. */
export function addGoModule(root: string, path: string, version: string, files: Files): void {
  const mod = `module ${path}\n\ngo 1.19\n`;
  const at = `${path}/@v/${version}`;
  write(root, {
    [`${at}.info`]: JSON.stringify({ Version: version, Time: '2026-01-01T00:00:00Z' }),
    [`${at}.mod`]: mod,
  });
  const inside = Object.entries({ ...files, 'go.mod': mod });
  const named = Object.fromEntries(inside.map(([name, text]) => [`${path}@${version}/${name}`, text]));
  pack(named, join(root, `${at}.zip`), 'zip', '-qrD');
}
