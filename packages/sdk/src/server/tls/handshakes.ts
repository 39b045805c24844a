import type { Socket } from 'node:net';
import type { Clock, Timer } from '@inmesh/core';
import { endsKey } from '../inbound-connection.js';

const timeoutMs = 10_000;

/**
 * Cuts connections whose handshake takes too long. Node's own `handshakeTimeout` begins anew with each byte that comes, and
 * then closes nothing.
 */
export class Handshakes {
  readonly #timers = new Map<string, Timer>();

  constructor(private readonly clock: Clock) {}

  begin(socket: Socket): void {
    const key = endsKey(socket);
    const timer = this.clock.setTimer(timeoutMs, () => socket.destroy());
    this.#timers.set(key, timer);
    socket.once('close', () => {
      timer.cancel();
      if (this.#timers.get(key) === timer) this.#timers.delete(key);
    });
  }

  /** @param socket that of the TLS: both have the same ends */
  done(socket: Socket): void {
    const key = endsKey(socket);
    this.#timers.get(key)?.cancel();
    this.#timers.delete(key);
  }
}
