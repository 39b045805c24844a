import type { Socket } from 'node:net';
import type { Timer } from '@inmesh/core';
import type { MeshInternals } from '../../mesh-internals.js';
import { connectionOf } from '../inbound-connection.js';
import { portMode } from './port-mode.js';

/**
 * Ends connections in plain text whose port takes none any more. Their requests are refused at once; a tunnel, a stream or an
 * answer that is under way may end, within the time that those of a removed authority have.
 */
export class PlainConnections {
  /** With the timer of those that are to end. */
  readonly #open = new Map<Socket, Timer | undefined>();
  #policy: unknown;
  readonly #stopListening: () => void;

  constructor(
    private readonly internals: MeshInternals,
    private readonly drainMs: number,
  ) {
    const { snapshots } = internals;
    this.#policy = snapshots.current.inbound;
    this.#stopListening = snapshots.onChange(({ inbound }) => {
      if (inbound === this.#policy) return;
      this.#policy = inbound;
      for (const [socket, timer] of this.#open) this.#look(socket, timer);
    });
  }

  add(socket: Socket): void {
    this.#open.set(socket, undefined);
    socket.once('close', () => {
      this.#open.get(socket)?.cancel();
      this.#open.delete(socket);
    });
  }

  close(): void {
    this.#stopListening();
  }

  #look(socket: Socket, timer: Timer | undefined): void {
    const mode = portMode(this.internals, connectionOf(socket).localPort);
    if (mode !== 'tls' && mode !== 'closed') {
      timer?.cancel();
      this.#open.set(socket, undefined);
    } else if (timer === undefined) {
      this.#open.set(
        socket,
        this.internals.clock.setTimer(this.drainMs, () => socket.destroy()),
      );
    }
  }
}
