// Volumes: mount points, paths the sandbox has to cover, owners that have to exist, and where output may go.
import type { Diagnostic } from '@suite/shared/schema/diagnostic.ts';
import type { VolumeKeys } from '../../../config/volumes.ts';
import { hostId, mapsInEffect } from '../id-maps.ts';
import { components, isBelow, mapPath } from '../paths.ts';
import { ownerOf } from '../volumes.ts';
import { inContainer, type Rule, repeated, type Subject } from './subject.ts';

function pathRule(subject: Subject, target: string, volume: VolumeKeys): Diagnostic[] {
  const { readonlyPaths, writablePaths } = subject.sandbox;
  const refuse = (keys: string, path: string) => {
    const message = `no entry of ${keys} of sandbox ${subject.sources.name} covers \`${path}\``;
    return [inContainer(subject, 'volume-not-allowed', message, ['volumes', target])];
  };
  if (volume.tag === 'Readonly') {
    const found = mapPath(readonlyPaths, volume.value) ?? mapPath(writablePaths, volume.value);
    return found === undefined ? refuse('`readonly-paths` or `writable-paths`', volume.value) : [];
  }
  if (volume.tag !== 'Persistent' || mapPath(writablePaths, volume.value.path) !== undefined) return [];
  return refuse('`writable-paths`', volume.value.path);
}

function ownerRule(subject: Subject, target: string, volume: VolumeKeys): Diagnostic[] {
  const owner = ownerOf(volume);
  if (owner === undefined) return [];
  const maps = mapsInEffect(subject.sandbox, subject.keys);
  return (['user', 'group'] as const).flatMap(kind => {
    if (hostId(maps, kind, owner[kind]) !== undefined) return [];
    const message = `${kind} ${owner[kind]} is in no entry of the id map in effect`;
    return [inContainer(subject, 'owner-not-mapped', message, ['volumes', target, kind])];
  });
}

function targetRule(subject: Subject, target: string, volume: VolumeKeys): Diagnostic[] {
  const bad = (message: string) => [inContainer(subject, 'bad-mount-point', message, ['volumes', target])];
  if (!components(target)?.length)
    return bad(`the mount point \`${target}\` must be absolute, not / itself, and without \`..\``);
  if (volume.tag === 'Statedir' && components(volume.value.path) === undefined)
    return bad('the path must not contain `..`');
  return [];
}

/** `/a` and `/a/` are one directory: the second would hide the first. */
const twiceRule: Rule = subject => {
  const targets = Object.keys(subject.keys.volumes);
  return repeated(targets, target => components(target)?.join('/') ?? target).map(({ item, first }) =>
    inContainer(subject, 'bad-mount-point', `${item} is the same mount point as ${first}`, ['volumes', item]),
  );
};

/** The image is read-only and a tmpfs is not there yet when the file is opened. */
const outputRule: Rule = subject => {
  const { stdoutStderrFile: file, interactive, volumes } = subject.keys;
  if (file === null || interactive) return [];
  const bad = (message: string) => [inContainer(subject, 'bad-output-file', message, ['stdout-stderr-file'])];
  if (components(file) === undefined) return bad('the path must not contain `..`');
  const holding = Object.entries(volumes)
    .filter(([target]) => isBelow(file, target))
    .sort(([a], [b]) => b.length - a.length)[0]?.[1];
  if (holding?.tag === 'Persistent' || holding?.tag === 'Statedir') return [];
  return bad(
    `${file} must be in a !Persistent or !Statedir volume: nothing else outlives a start and can be written`,
  );
};

export const volumeRule: Rule = subject => [
  ...Object.entries(subject.keys.volumes).flatMap(([target, volume]) => [
    ...targetRule(subject, target, volume),
    ...pathRule(subject, target, volume),
    ...ownerRule(subject, target, volume),
  ]),
  ...twiceRule(subject),
  ...outputRule(subject),
];
