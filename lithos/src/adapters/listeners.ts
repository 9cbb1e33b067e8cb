// Who listens where: on an address that we could not get, and of the processes of an instance. For people's eyes only.
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { endianness } from 'node:os';
import { addressText } from '@suite/shared/linux/socket-address.ts';
import { LIMITS } from '../config/defaults.ts';

/** State of a listening socket in /proc/net/tcp (kernel: net/tcp_states.h). */
const LISTEN = '0A';
const WORD_BYTES = 4;

interface Listening {
  /** As a descriptor of it reads in /proc/PID/fd. */
  readonly link: string;
  /** ADDRESS:PORT as the table has it, in hexadecimal. */
  readonly local: string;
}

function listeningIn(process: string | number): Listening[] {
  return ['tcp', 'tcp6'].flatMap(name =>
    readFileSync(`/proc/${process}/net/${name}`, 'latin1')
      .split('\n')
      .slice(1)
      .map(line => line.trim().split(/\s+/))
      .filter(([, , , state]) => state === LISTEN)
      .map(fields => ({ link: `socket:[${fields[9]}]`, local: fields[1] ?? '' })),
  );
}

function portOf({ local }: Listening): number {
  return Number.parseInt(local.slice(local.indexOf(':') + 1), 16);
}

/** The kernel prints words of 32 bits as its processor has them; on the wire the bytes come the other way round. */
function textOf(listening: Listening): string {
  const bytes = Buffer.from(listening.local.slice(0, listening.local.indexOf(':')), 'hex');
  if (endianness() === 'LE')
    for (let at = 0; at < bytes.length; at += WORD_BYTES) bytes.subarray(at, at + WORD_BYTES).reverse();
  const host = addressText(bytes);
  return `${host.includes(':') ? `[${host}]` : host}:${portOf(listening)}`;
}

function linksOf(pid: string | number): string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).flatMap(fd => {
      try {
        return readlinkSync(`/proc/${pid}/fd/${fd}`);
      } catch {
        return [];
      }
    });
  } catch {
    return [];
  }
}

type Known = ReadonlyMap<string, Listening>;

function knownIn(pid: number, tables: Map<string, Known>): Known {
  const network = readlinkSync(`/proc/${pid}/ns/net`);
  const known = tables.get(network) ?? new Map(listeningIn(pid).map(each => [each.link, each]));
  tables.set(network, known);
  return known;
}

/**
 * `0.0.0.0:80`, `[::1]:80` …: TCP addresses on which these processes of one network listen, as far as we may look.
 * `tables`: of the networks that were looked at before; the kernel takes its time to write one down.
 */
export function listensOn(pids: readonly number[], tables: Map<string, Known>): string[] {
  const [first] = pids;
  if (first === undefined) return [];
  try {
    const known = knownIn(first, tables);
    const held = pids.flatMap(linksOf).flatMap(link => known.get(link) ?? []);
    return [...new Set(held.sort((a, b) => portOf(a) - portOf(b)).map(textOf))];
  } catch {
    return [];
  }
}

function describe(pid: string): string {
  try {
    const name = readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
    const environ = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
    const instance = environ.find(each => each.startsWith('LITHOS_NAME='))?.slice('LITHOS_NAME='.length);
    return `${name}, pid ${pid}${instance === undefined ? '' : `, of ${instance}`}`;
  } catch {
    return `pid ${pid}`;
  }
}

/** Undefined: nobody, or somebody we cannot see (another pid namespace). */
export function whoListens(port: number): string | undefined {
  try {
    const found = listeningIn('thread-self').filter(each => portOf(each) === port);
    const links = new Set(found.map(({ link }) => link));
    if (links.size === 0) return undefined;
    const pids = readdirSync('/proc').filter(name => /^\d+$/.test(name) && Number(name) !== process.pid);
    const looked = pids.slice(0, LIMITS.processesLooked);
    const holders = looked.filter(pid => linksOf(pid).some(link => links.has(link)));
    const descriptions = holders.map(describe);
    // A monitor has the socket too, but the program in its container says more.
    return descriptions.find(text => text.includes(' of ')) ?? descriptions[0];
  } catch {
    return undefined;
  }
}
