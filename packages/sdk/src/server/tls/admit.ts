import type { Socket } from 'node:net';
import { type PeerRefusalReason, refusePeer } from '../../identity/refusal.js';
import type { MeshInternals } from '../../mesh-internals.js';
import { onFirstByte } from './first-byte.js';
import { InboundTls } from './inbound-tls.js';
import { portMode } from './port-mode.js';
import type { Refusals } from './refusals.js';

/** Who gets the connections that are taken. */
export interface Admitted {
  /** In plain text, or what is within TLS. */
  readonly onConnection: (socket: Socket) => void;
  /** Plain text where TLS is required. Undefined: it is refused. */
  readonly onPlaintext?: ((socket: Socket) => void) | undefined;
  /** A connection whose first bytes are waited for. */
  readonly onWaiting: (socket: Socket) => void;
}

/** Takes connections, or refuses them, as the policies of their port say when they begin. */
export class Admission {
  readonly tls: InboundTls;

  constructor(
    private readonly internals: MeshInternals,
    private readonly refusals: Refusals,
    private readonly admitted: Admitted,
    protocols: readonly string[],
  ) {
    this.tls = new InboundTls(internals, refusals, admitted.onConnection, protocols);
  }

  /** @param firstByteMs how long its first byte may take */
  admit(socket: Socket, firstByteMs: number): void {
    const mode = portMode(this.internals, socket.localPort ?? 0);
    if (mode === 'plaintext') {
      this.admitted.onConnection(socket);
      return;
    }
    this.admitted.onWaiting(socket);
    onFirstByte(socket, firstByteMs, this.internals.clock, (isTls) => {
      if (!isTls) this.#takePlaintext(socket, mode === 'both');
      else if (mode === 'closed') this.#refuse(socket, 'tls');
      else this.#takeTls(socket);
    });
  }

  #takePlaintext(socket: Socket, isTaken: boolean): void {
    const { onConnection, onPlaintext } = this.admitted;
    if (isTaken) onConnection(socket);
    else if (onPlaintext !== undefined) onPlaintext(socket);
    else this.#refuse(socket, 'plaintext');
  }

  #takeTls(socket: Socket): void {
    if (this.tls.hasCertificate) this.tls.accept(socket);
    else this.#refuse(socket, 'no_identity');
  }

  #refuse(socket: Socket, reason: PeerRefusalReason): void {
    this.refusals.tell(refusePeer(reason), socket);
    socket.on('error', () => {});
    socket.destroy();
  }
}
