import { createSocket, type Socket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import type { DnsServer } from './resolv-conf.js';

/**
 * Packets written in one turn of the event loop. A thousand at once would overflow receive buffers (Linux counts some 768
 * bytes for a small packet, of 208 KB), and every lost packet costs a time-out. Node reads at most 32 in a turn, so with
 * fewer written the answers never pile up either.
 */
const packetsPerTurn = 16;

/**
 * A UDP socket connected to one server. Connecting makes the kernel drop datagrams from any other address, and lets a
 * closed port be heard at once as ECONNREFUSED.
 */
export class UdpSocket {
  readonly #socket: Socket;
  readonly #queue: Buffer[] = [];
  readonly #onError: () => void;
  #state: 'connecting' | 'idle' | 'draining' | 'closed' = 'connecting';

  constructor(server: DnsServer, onPacket: (packet: Buffer) => void, onError: () => void) {
    this.#onError = onError;
    this.#socket = createSocket(isIPv6(server.address) ? 'udp6' : 'udp4');
    this.#socket.on('message', onPacket);
    this.#socket.on('error', () => this.#fail());
    this.#socket.once('connect', () => this.#drain());
    this.#socket.connect(server.port, server.address);
  }

  send(packet: Buffer): void {
    this.#queue.push(packet);
    if (this.#state === 'idle') this.#drain();
  }

  close(): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    this.#queue.length = 0;
    this.#socket.close();
  }

  #drain(): void {
    if (this.#state === 'closed') return;
    for (const packet of this.#queue.splice(0, packetsPerTurn))
      this.#socket.send(packet, (error) => error && this.#fail());
    this.#state = this.#queue.length === 0 ? 'idle' : 'draining';
    if (this.#state === 'draining') setImmediate(() => this.#drain());
  }

  #fail(): void {
    if (this.#state !== 'closed') this.#onError();
  }
}
