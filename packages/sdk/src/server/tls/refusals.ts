import type { Socket } from 'node:net';
import type { PeerRefusal } from '../../identity/refusal.js';
import type { MeshInternals } from '../../mesh-internals.js';
import { QuietLines } from '../../quiet-lines.js';

/** Tells logs and metrics of incoming connections that were refused. */
export class Refusals {
  readonly #lines: QuietLines;

  constructor(private readonly internals: MeshInternals) {
    this.#lines = new QuietLines(internals.clock);
  }

  tell(
    { reason, detail }: PeerRefusal,
    { remoteAddress, localPort }: Partial<Pick<Socket, 'remoteAddress' | 'localPort'>>,
  ): void {
    const { logger, onConnectionRefused } = this.internals;
    onConnectionRefused?.(reason);
    this.#lines.tell(reason, (more) => {
      logger.warn('a connection was refused', { reason, detail, remoteAddress, localPort, ...more });
    });
  }
}
