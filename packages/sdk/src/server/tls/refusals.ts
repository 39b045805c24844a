import type { Socket } from 'node:net';
import type { PeerRefusal, PeerRefusalReason } from '../../identity/refusal.js';
import type { MeshInternals } from '../../mesh-internals.js';

/** One line for each reason in this time: who is refused may try again at any rate. */
const quietMs = 10_000;

interface Quiet {
  readonly until: number;
  suppressed: number;
}

/** Tells logs and metrics of incoming connections that were refused. */
export class Refusals {
  readonly #quiet = new Map<PeerRefusalReason, Quiet>();

  constructor(private readonly internals: MeshInternals) {}

  tell(
    { reason, detail }: PeerRefusal,
    { remoteAddress, localPort }: Partial<Pick<Socket, 'remoteAddress' | 'localPort'>>,
  ): void {
    const { clock, logger, onConnectionRefused } = this.internals;
    onConnectionRefused?.(reason);
    const quiet = this.#quiet.get(reason);
    if (quiet !== undefined && clock.now() < quiet.until) {
      quiet.suppressed += 1;
      return;
    }
    const more = quiet === undefined || quiet.suppressed === 0 ? {} : { suppressed: quiet.suppressed };
    this.#quiet.set(reason, { until: clock.now() + quietMs, suppressed: 0 });
    logger.warn('a connection was refused', { reason, detail, remoteAddress, localPort, ...more });
  }
}
