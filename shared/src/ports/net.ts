export interface Endpoint {
  readonly address: string;
  readonly port: number;
}

/** A datagram may be lost, doubled, late or out of order; `send` never reports it. */
export interface UdpSocket {
  /** The bound port (the chosen one when 0 was asked for). */
  readonly port: number;
  send(data: Uint8Array, to: Endpoint): void;
  close(): void;
}

export interface Net {
  /** Binds; rejects when the address is not ours or the port is taken. `data` belongs to the receiver. */
  udp(
    address: string,
    port: number,
    onPacket: (data: Uint8Array, from: Endpoint) => void,
  ): Promise<UdpSocket>;
}
