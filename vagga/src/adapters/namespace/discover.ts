// Which ids this process may use: its own, or with subordinate ones in a user namespace (§5.1 of the format).
import { readFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { findProgram } from '@suite/shared/linux/programs.ts';
import { parseMap } from '../../core/ids/maps.ts';
import type { SessionIds } from '../../core/ids/session.ts';
import { parseSubordinate } from '../../core/ids/subordinate.ts';

/** uapi/linux/capability.h */
const CAP_SYS_ADMIN = 21n;

/** Missing and unreadable are the same to who looks for entries in it. */
function readOr(path: string, otherwise: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return otherwise;
  }
}

function hasCapability(bit: bigint): boolean {
  const mask = /^CapEff:\s*([0-9a-f]+)/m.exec(readOr('/proc/self/status', ''))?.[1] ?? '0';
  return (BigInt(`0x${mask}`) & (1n << bit)) !== 0n;
}

function userName(): string | undefined {
  try {
    return userInfo().username;
  } catch {
    // Without an entry in the password file, as in many CI containers.
    return undefined;
  }
}

/** Root in a container that may not mount: in a user namespace of its own, with the ids that it sees here, it may. */
function visibleIds(): SessionIds {
  const rest = (text: string) =>
    parseMap(text).flatMap(({ inside, count }) => {
      const start = Math.max(inside, 1);
      return start < inside + count ? [{ start, end: inside + count }] : [];
    });
  const ids = (path: string) => ({ own: 0, ranges: rest(readOr(path, '')) });
  return { kind: 'mapped', uids: ids('/proc/self/uid_map'), gids: ids('/proc/self/gid_map') };
}

export const SUBORDINATE_FILES = ['/etc/subuid', '/etc/subgid'] as const;
const [SUBUID, SUBGID] = SUBORDINATE_FILES;

interface Discovered {
  readonly ids: SessionIds;
  readonly warnings: readonly string[];
}

/** What newuidmap(1) will grant, or one id when it cannot help; `warnings` are for the user. */
function subordinateIds(uid: number, gid: number): Discovered {
  const name = userName();
  const parse = (path: string, own: number) =>
    parseSubordinate({ path, text: readOr(path, '') }, { name, uid, own });
  const uids = parse(SUBUID, uid);
  const gids = parse(SUBGID, gid);
  const single = (reason: string): Discovered => ({
    ids: { kind: 'single', uid, gid, reason },
    warnings: [`${reason}; files of images will all have your own id (see vagga _doctor)`],
  });
  if (!uids.ok) return single(`Error reading uidmap: ${uids.message}`);
  if (!gids.ok) return single(`Error reading gidmap: ${gids.message}`);
  if (uids.ranges.length === 0) return single(`no subordinate ids for ${name ?? uid} in ${SUBUID}`);
  if (gids.ranges.length === 0) return single(`no subordinate ids for ${name ?? uid} in ${SUBGID}`);
  const missing = ['newuidmap', 'newgidmap'].find(program => findProgram(program) === undefined);
  if (missing !== undefined) return single(`${missing} is not installed (package uidmap)`);
  const ids: SessionIds = {
    kind: 'mapped',
    uids: { own: uid, ranges: uids.ranges },
    gids: { own: gid, ranges: gids.ranges },
  };
  return { ids, warnings: [...uids.warnings, ...gids.warnings] };
}

/** Of this process as it was started, before it entered anything. */
export function discoverIds(): Discovered {
  const uid = process.getuid?.() ?? 0;
  if (uid !== 0) return subordinateIds(uid, process.getgid?.() ?? uid);
  if (!hasCapability(CAP_SYS_ADMIN)) return { ids: visibleIds(), warnings: [] };
  return { ids: realIds(), warnings: [] };
}

function realIds(): SessionIds {
  const [uidMap, gidMap] = [readOr('/proc/self/uid_map', ''), readOr('/proc/self/gid_map', '')];
  return { kind: 'real', uidMap, gidMap };
}
