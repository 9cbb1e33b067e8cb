// What a container asks for and the sandbox may refuse: its kind, ids, capabilities, devices, seccomp.
import type { Diagnostic } from '@suite/shared/schema/diagnostic.ts';
import { capabilityName } from '../../../config/capabilities.ts';
import { parseRange, within } from '../../../config/ids.ts';
import { hasMaps, mapsInEffect, outsideId } from '../id-maps.ts';
import type { IdMap } from '../types.ts';
import { overlaps } from './sandbox.ts';
import { inContainer, type Path, type Rule, type Subject } from './subject.ts';

type Kind = 'user' | 'group';
const MAP_KEY = { user: 'uid-map', group: 'gid-map' } as const;

const kindRule: Rule = subject => {
  const asked = subject.entry.entry.kind;
  const offered = subject.keys.kind;
  if (offered === 'CommandOrDaemon' || offered === asked) return [];
  const message = `the process entry \`${subject.entry.process}\` is a ${asked}, this container config a ${offered}`;
  return [inContainer(subject, 'kind-mismatch', message, ['kind'])];
};

function mapOf(maps: ReturnType<typeof mapsInEffect>, kind: Kind): readonly IdMap[] {
  return kind === 'user' ? maps.uidMap : maps.gidMap;
}

function allowed(subject: Subject, kind: Kind): readonly string[] {
  return kind === 'user' ? subject.sandbox.allowUsers : subject.sandbox.allowGroups;
}

function notAllowed(subject: Subject, kind: Kind, id: number, path: Path): Diagnostic[] {
  const list = allowed(subject, kind);
  if (within(list, id)) return [];
  const shown = list.length === 0 ? 'it allows none' : `it allows ${list.join(', ')}`;
  const message = `${kind} ${id} is not in \`allow-${kind}s\` of sandbox ${subject.sources.name}: ${shown}`;
  return [inContainer(subject, `${kind}-not-allowed`, message, path)];
}

/** With a user namespace an id that nothing maps does not exist. */
function notMapped(subject: Subject, kind: Kind, id: number, path: Path): Diagnostic[] {
  const maps = mapsInEffect(subject.sandbox, subject.keys);
  if (!hasMaps(maps) || outsideId(mapOf(maps, kind), id) !== undefined) return [];
  const where = hasMaps(subject.sandbox) ? `of sandbox ${subject.sources.name}` : 'of this file';
  return [inContainer(subject, 'not-mapped', `${kind} ${id} is not in \`${MAP_KEY[kind]}\` ${where}`, path)];
}

/** A map of the container decides by its outside ids; else the id itself must be allowed. */
function oneId(subject: Subject, kind: Kind, id: number, path: Path): Diagnostic[] {
  const isOwnMap = hasMaps(subject.keys) && !hasMaps(subject.sandbox);
  return [...(isOwnMap ? [] : notAllowed(subject, kind, id, path)), ...notMapped(subject, kind, id, path)];
}

function idRule(subject: Subject, kind: Kind): Diagnostic[] {
  const { keys, sandbox } = subject;
  const id = kind === 'user' ? (keys.userId ?? sandbox.defaultUser) : (keys.groupId ?? sandbox.defaultGroup);
  if (id !== null) return oneId(subject, kind, id, [`${kind}-id`]);
  return [inContainer(subject, 'no-user', 'no `user-id` here and no `default-user` in the sandbox', [])];
}

const groupsRule: Rule = subject =>
  subject.keys.additionalGroups.flatMap((id, index) =>
    oneId(subject, 'group', id, ['additional-groups', index]),
  );

/** Maps of a container: not beside one of the sandbox, and only onto ids that are allowed. */
function mapRule(subject: Subject, kind: Kind): Diagnostic[] {
  const own = mapOf(subject.keys, kind);
  if (own.length === 0) return [];
  const key = MAP_KEY[kind];
  if (mapOf(subject.sandbox, kind).length > 0) {
    const message = `\`${key}\` is in sandbox ${subject.sources.name} already: only one of the two may have it`;
    return [inContainer(subject, 'two-maps', message, [key])];
  }
  const ranges = allowed(subject, kind).map(parseRange);
  const crossing = overlaps(own).map(index =>
    inContainer(subject, 'map-overlap', 'it overlaps an entry above', [key, index]),
  );
  const outer = own.flatMap(({ outside, count }, index) => {
    const last = outside + count - 1;
    if (ranges.some(({ min, max }) => min <= outside && last <= max)) return [];
    const message = `${outside}-${last} is not within one range of \`allow-${kind}s\` of sandbox ${subject.sources.name}`;
    return [inContainer(subject, 'map-not-allowed', message, [key, index])];
  });
  return [...crossing, ...outer];
}

const capabilityRule: Rule = subject => {
  const granted = subject.sandbox.allowCapabilities.map(capabilityName);
  return subject.keys.capabilities.flatMap((name, index) => {
    if (granted.includes(capabilityName(name))) return [];
    const message = `capability ${name} is not in \`allow-capabilities\` of sandbox ${subject.sources.name}`;
    return [inContainer(subject, 'capability-not-allowed', message, ['capabilities', index])];
  });
};

const deviceRule: Rule = subject =>
  subject.keys.devices.flatMap((device, index) => {
    if (subject.sandbox.allowDevices.includes(device)) return [];
    const message = `device ${device} is not in \`allow-devices\` of sandbox ${subject.sources.name}`;
    return [inContainer(subject, 'device-not-allowed', message, ['devices', index])];
  });

const relaxRule: Rule = subject => {
  const { sandbox, keys, sources } = subject;
  const needs = (key: string) => `sandbox ${sources.name} does not have \`${key}: true\``;
  return [
    ...(keys.seccomp === 'unconfined' && !sandbox.allowUnconfinedSeccomp
      ? [inContainer(subject, 'seccomp-not-allowed', needs('allow-unconfined-seccomp'), ['seccomp'])]
      : []),
    ...(keys.newPrivileges && !sandbox.allowNewPrivileges
      ? [inContainer(subject, 'privileges-not-allowed', needs('allow-new-privileges'), ['new-privileges'])]
      : []),
  ];
};

export const rightsRule: Rule = subject => [
  ...kindRule(subject),
  ...idRule(subject, 'user'),
  ...idRule(subject, 'group'),
  ...groupsRule(subject),
  ...mapRule(subject, 'user'),
  ...mapRule(subject, 'group'),
  ...capabilityRule(subject),
  ...deviceRule(subject),
  ...relaxRule(subject),
];
