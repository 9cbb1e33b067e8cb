// `pass-tcp-socket`: where the socket that a program gets as descriptor 3 listens (§1.6 of the format).

export interface SocketPlace {
  /** A literal address, or a name that is still to be looked up. */
  readonly host: string;
  readonly port: number;
}

const PORT_MAX = 65_535;

/** `8080`, `*:8080`, `1.2.3.4:8080`, `[::1]:8080`, `host:8080`; undefined: none of these. */
export function parseSocketPlace(text: string): SocketPlace | undefined {
  const [, host, bare] = /^(?:(\*|\[[^\]]+\]|[^:[\]]+):)?(\d{1,5})$/.exec(text) ?? [];
  const port = Number(bare);
  if (bare === undefined || port > PORT_MAX) return undefined;
  if (host === undefined) return { host: '127.0.0.1', port };
  return { host: host === '*' ? '0.0.0.0' : host.replace(/^\[|\]$/g, ''), port };
}
