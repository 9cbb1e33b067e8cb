// Where the dependencies of a project are inside of a container, for editors that work outside of it.

export interface LibraryPlace {
  /** Name of the link below `.ide/CONTAINER`. */
  readonly name: string;
  /** In the image, with `*` for one part of a path. */
  readonly pattern: string;
  /** What it is good for. */
  readonly purpose: string;
}

/** The first match of a name counts, so what users install comes before what the distribution brings. */
export const LIBRARY_PLACES: readonly LibraryPlace[] = [
  { name: 'python-local', pattern: 'usr/local/lib/python*/dist-packages', purpose: 'Python packages by pip' },
  { name: 'python-local', pattern: 'usr/local/lib/python*/site-packages', purpose: 'Python packages by pip' },
  {
    name: 'python',
    pattern: 'usr/lib/python3/dist-packages',
    purpose: 'Python packages of the distribution',
  },
  {
    name: 'python',
    pattern: 'usr/lib/python3*/site-packages',
    purpose: 'Python packages of the distribution',
  },
  { name: 'python-stdlib', pattern: 'usr/lib/python3.*', purpose: 'Python’s own library' },
  { name: 'node-local', pattern: 'usr/local/lib/node_modules', purpose: 'Node packages by npm' },
  { name: 'node', pattern: 'usr/lib/node_modules', purpose: 'Node packages' },
  { name: 'node', pattern: 'usr/share/nodejs', purpose: 'Node packages of the distribution' },
  { name: 'ruby', pattern: 'var/lib/gems/*/gems', purpose: 'Ruby gems' },
  { name: 'ruby', pattern: 'usr/lib/ruby/gems/*/gems', purpose: 'Ruby gems' },
  { name: 'php', pattern: 'usr/local/lib/composer/vendor', purpose: 'PHP packages by composer' },
  { name: 'cargo', pattern: 'usr/local/cargo/registry/src', purpose: 'Sources of Rust crates' },
  { name: 'go', pattern: 'usr/local/go/src', purpose: 'Go’s own library' },
  { name: 'include', pattern: 'usr/include', purpose: 'C and C++ headers' },
  { name: 'include-local', pattern: 'usr/local/include', purpose: 'C and C++ headers of own builds' },
];
