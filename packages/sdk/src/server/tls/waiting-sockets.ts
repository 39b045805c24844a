import type { Socket } from 'node:net';
import { endsKey } from '../inbound-connection.js';

/** Connections that have not reached their server yet: it knows nothing of them, and would wait for them when it closes. */
export class WaitingSockets {
  readonly #sockets = new Map<string, Socket>();

  add(socket: Socket): void {
    const key = endsKey(socket);
    this.#sockets.set(key, socket);
    socket.once('close', () => {
      if (this.#sockets.get(key) === socket) this.#sockets.delete(key);
    });
  }

  /** The socket itself, or that of the TLS on it: both have the same ends. */
  remove(socket: Socket): void {
    this.#sockets.delete(endsKey(socket));
  }

  destroy(): void {
    for (const socket of this.#sockets.values()) socket.destroy();
  }
}
