// Which listening sockets are opened, shared, kept and closed. Pure; sockets have names by which they are recognised
// (`KeyOf`), because a socket that was found again has nothing but its address.
//
//   start of a container ── planSockets ──▶ open | share | own       any change of a state ── socketsToClose ──▶ close
//
// A shared socket is open as long as one instance uses it: connections wait in it while programs restart.
import type { ListenSpec } from '../desired/types.ts';

export type KeyOf = (spec: ListenSpec) => string;

export type SocketAction =
  /** Nobody has it: opened, and kept. */
  | { readonly kind: 'open'; readonly spec: ListenSpec; readonly key: string }
  /** Open already. `ignored`: what this instance wants differently; whoever came first decided. */
  | {
      readonly kind: 'share';
      readonly spec: ListenSpec;
      readonly key: string;
      readonly ignored: readonly string[];
    }
  /** For this one start only: SO_REUSEPORT, or inside a network of its own. */
  | { readonly kind: 'own'; readonly spec: ListenSpec };

/** Two instances that name the same one get the very same socket. */
function isShared(spec: ListenSpec): boolean {
  return spec.kind === 'unix' || (spec.place === 'host' && !spec.reusePort);
}

/** `0.0.0.0:80`, `[::1]:80` or a path, for people. */
export function describeAddress(spec: ListenSpec): string {
  if (spec.kind === 'unix') return spec.path;
  return spec.host.includes(':') ? `[${spec.host}]:${spec.port}` : `${spec.host}:${spec.port}`;
}

/** Keys of the config files, as their authors know them. */
function differences(first: ListenSpec, other: ListenSpec): string[] {
  const found = [
    first.backlog !== other.backlog && `listen-backlog ${other.backlog}`,
    first.nonBlocking !== other.nonBlocking && `set-non-block ${other.nonBlocking}`,
    first.kind === 'tcp' &&
      other.kind === 'tcp' &&
      first.reuseAddress !== other.reuseAddress &&
      `reuse-addr ${other.reuseAddress}`,
    first.kind === 'unix' && other.kind === 'unix' && first.mode !== other.mode && 'mode',
  ];
  return found.filter(each => each !== false);
}

/** `held`: shared sockets that are open, with the parameters they were opened with (undefined: found again). */
export function planSockets(
  wanted: readonly ListenSpec[],
  held: ReadonlyMap<string, ListenSpec | undefined>,
  keyOf: KeyOf,
): SocketAction[] {
  return wanted.map((spec): SocketAction => {
    if (!isShared(spec)) return { kind: 'own', spec };
    const key = keyOf(spec);
    if (!held.has(key)) return { kind: 'open', spec, key };
    const first = held.get(key);
    return { kind: 'share', spec, key, ignored: first === undefined ? [] : differences(first, spec) };
  });
}

/** One instance, as far as sockets are concerned. */
export interface SocketUser {
  /** False: in back-off, failed or gone, so that clients see a refusal instead of waiting. */
  readonly wants: boolean;
  readonly sockets: readonly ListenSpec[];
  /** What its living run was given, which may differ from what is configured by now; undefined: nothing lives. */
  readonly given: ReadonlySet<string> | undefined;
}

/** Those of `held` that no user needs. */
export function socketsToClose(held: Iterable<string>, users: readonly SocketUser[], keyOf: KeyOf): string[] {
  const needed = new Set(
    users.flatMap(({ wants, sockets, given }) => [
      ...(given ?? []),
      ...(wants ? sockets.filter(isShared).map(keyOf) : []),
    ]),
  );
  return [...held].filter(key => !needed.has(key));
}
