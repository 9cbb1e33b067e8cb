// What `_clean` removes, decided from listings alone, so that a dry run names exactly what a run removes.

export interface Entry {
  readonly name: string;
  readonly isDirectory: boolean;
}

/** A finished build: `NAME.HASH8`. Everything else in `.roots` starts with a dot. */
const VERSION = /^.+\.[0-9a-f]{8}$/;

const isTemporary = ({ name }: Entry): boolean => name.startsWith('.tmp');
const isVersion = ({ name }: Entry): boolean => !name.startsWith('.') && VERSION.test(name);

/** The lock of something that is there stays; any other plain file is nobody's. */
function strays(entries: readonly Entry[]): Entry[] {
  const names = new Set(entries.map(({ name }) => name));
  return entries.filter(
    ({ name, isDirectory }) =>
      !isDirectory && !(name.endsWith('.lock') && names.has(name.slice(0, -'.lock'.length))),
  );
}

const namesOf = (entries: readonly Entry[]): string[] => entries.map(({ name }) => name).sort();

/** Unfinished builds. */
export function temporaryRoots(entries: readonly Entry[]): string[] {
  return namesOf(entries.filter(entry => entry.isDirectory && isTemporary(entry)));
}

/** Versions that no symlink of the project leads to. */
export function oldRoots(entries: readonly Entry[], linked: ReadonlySet<string>): string[] {
  const directories = entries.filter(({ name, isDirectory }) => isDirectory && !linked.has(name));
  return namesOf([...directories, ...strays(entries)]);
}

/** Versions that the current config does not ask for, and unfinished builds. */
export function unusedRoots(entries: readonly Entry[], wanted: ReadonlySet<string>): string[] {
  const directories = entries.filter(
    entry => entry.isDirectory && (isTemporary(entry) || !wanted.has(entry.name)),
  );
  return namesOf([...directories, ...strays(entries)]);
}

/** Versions not used for `ageMs`, and unfinished builds. `lastUseMs`: undefined where nobody knows. */
export function rootsUnusedFor(
  entries: readonly Entry[],
  ageMs: number,
  nowMs: number,
  lastUseMs: (name: string) => number | undefined,
): string[] {
  const isOld = (name: string) => nowMs - (lastUseMs(name) ?? Number.NEGATIVE_INFINITY) > ageMs;
  const directories = entries.filter(
    entry => entry.isDirectory && (isTemporary(entry) || (isVersion(entry) && isOld(entry.name))),
  );
  return namesOf([...directories, ...strays(entries)]);
}

/** Writable copies of processes that are gone: `NAME.HASH8.PID`, and names that nobody could have given. */
export function deadTransients(entries: readonly Entry[], isAlive: (pid: number) => boolean): string[] {
  return namesOf(
    entries.filter(({ name }) => {
      const pid = /\.(\d+)$/.exec(name)?.[1];
      return pid === undefined || !isAlive(Number(pid));
    }),
  );
}

/** Persistent volumes that nothing mentions, and first fillings that did not come to an end. */
export function unusedVolumes(entries: readonly Entry[], mentioned: ReadonlySet<string>): string[] {
  const directories = entries.filter(({ name, isDirectory }) => isDirectory && !mentioned.has(name));
  return namesOf([...directories, ...strays(entries)]);
}

export function allVolumes(entries: readonly Entry[]): string[] {
  return namesOf([...entries.filter(({ isDirectory }) => isDirectory), ...strays(entries)]);
}
