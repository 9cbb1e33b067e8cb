// Who listens on an address that we could not get: for the operator's eyes, only after a failure.
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { LIMITS } from '../config/defaults.ts';

/** State of a listening socket in /proc/net/tcp (kernel: net/tcp_states.h). */
const LISTEN = '0A';

function inodes(table: string, port: number): string[] {
  const wanted = port.toString(16).toUpperCase().padStart(4, '0');
  return readFileSync(table, 'latin1')
    .split('\n')
    .slice(1)
    .map(line => line.trim().split(/\s+/))
    .filter(([, local, , state]) => state === LISTEN && local?.split(':')[1] === wanted)
    .flatMap(fields => fields[9] ?? []);
}

function holds(pid: string, links: ReadonlySet<string>): boolean {
  try {
    return readdirSync(`/proc/${pid}/fd`).some(fd => {
      try {
        return links.has(readlinkSync(`/proc/${pid}/fd/${fd}`));
      } catch {
        return false;
      }
    });
  } catch {
    return false;
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
    const found = ['/proc/thread-self/net/tcp', '/proc/thread-self/net/tcp6'].flatMap(table =>
      inodes(table, port),
    );
    const links = new Set(found.map(inode => `socket:[${inode}]`));
    if (links.size === 0) return undefined;
    const pids = readdirSync('/proc').filter(name => /^\d+$/.test(name) && Number(name) !== process.pid);
    const holders = pids.slice(0, LIMITS.processesLooked).filter(pid => holds(pid, links));
    const descriptions = holders.map(describe);
    // A monitor has the socket too, but the program in its container says more.
    return descriptions.find(text => text.includes(' of ')) ?? descriptions[0];
  } catch {
    return undefined;
  }
}
