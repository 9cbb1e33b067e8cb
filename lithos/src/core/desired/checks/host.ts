// Rules between all entries of a host: one address is one instance's, and who shares a socket must mean the same.
import type { Diagnostic } from '@suite/shared/schema/diagnostic.ts';
import { parseAddress } from '../../../config/addresses.ts';
import { diagnostic, locate } from '../../../config/locate.ts';
import { socketsOf } from '../sockets.ts';
import type { EntrySources, SandboxSources } from '../sources.ts';
import type { ListenSpec } from '../types.ts';
import { atKey, repeated, type Subject, subjectOf } from './subject.ts';

/** A sandbox and those of its entries that have passed their own checks. */
export interface CheckedSandbox {
  readonly sources: SandboxSources;
  readonly good: readonly EntrySources[];
}

interface Used {
  readonly sources: SandboxSources;
  readonly process: string;
  readonly index: number;
  readonly text: string;
}

function daemons({ good }: CheckedSandbox): readonly EntrySources[] {
  return good.filter(({ entry }) => entry.kind === 'Daemon' && entry.instances > 0);
}

/** Two spellings of one address are one address; another bridge is another network. */
function addressKey({ sources, text }: Used): string {
  const address = parseAddress(text);
  return `${sources.sandbox.value.bridgedNetwork?.bridge} ${address?.family} ${address?.value}`;
}

function addressRule(sandboxes: readonly CheckedSandbox[]): Found[] {
  const used = sandboxes
    .filter(({ sources }) => sources.sandbox.value.bridgedNetwork !== null)
    .flatMap(sandbox =>
      daemons(sandbox).flatMap(({ process, entry }) =>
        entry.ipAddresses
          .slice(0, entry.instances)
          .map((text, index): Used => ({ sources: sandbox.sources, process, index, text })),
      ),
    );
  return repeated(used, addressKey).map(({ item, first }) => {
    const message = `${item.text} is the address of ${first.sources.name}/${first.process}.${first.index} already`;
    const where = locate(item.sources.processes.node, [item.process, 'ip-addresses', item.index]);
    return { sandbox: item.sources.name, diagnostic: diagnostic('address-twice', 'error', message, where) };
  });
}

type TcpSpec = Extract<ListenSpec, { kind: 'tcp' }>;

interface Shared {
  readonly subject: Subject;
  readonly socket: TcpSpec;
}

function sharedSockets(sandbox: CheckedSandbox): Shared[] {
  return daemons(sandbox).flatMap(entry => {
    if (entry.container === undefined) return [];
    const subject = subjectOf(sandbox.sources, entry, entry.container);
    return socketsOf(subject.keys, subject.sandbox, subject.values).flatMap(socket =>
      socket.kind === 'tcp' && socket.place === 'host' && !socket.reusePort ? [{ subject, socket }] : [],
    );
  });
}

const options = ({ backlog, reuseAddress, nonBlocking }: TcpSpec) =>
  JSON.stringify([backlog, reuseAddress, nonBlocking]);

/** Whoever comes first opens the socket; the others get it as it is. */
function optionRule(sandboxes: readonly CheckedSandbox[]): Found[] {
  const all = sandboxes.flatMap(sharedSockets);
  return repeated(all, ({ socket }) => `${socket.host} ${socket.port}`)
    .filter(({ item, first }) => options(item.socket) !== options(first.socket))
    .map(({ item, first }) => {
      const { sources, entry } = first.subject;
      const message = `port ${item.socket.port} is shared with ${sources.name}/${entry.process}, with other options: those of whoever starts first are used`;
      const found = atKey(item.subject, 'port-options', message, 'tcp-ports', String(item.socket.port));
      return { sandbox: item.subject.sources.name, diagnostic: { ...found, severity: 'warning' } };
    });
}

export interface Found {
  readonly sandbox: string;
  readonly diagnostic: Diagnostic;
}

export function checkHostWide(sandboxes: readonly CheckedSandbox[]): Found[] {
  return [...addressRule(sandboxes), ...optionRule(sandboxes)];
}
