import type { Socket } from 'node:net';
import { type PeerRefusalReason, plaintextRefusal, refusePeer } from '../../identity/refusal.js';
import type { MeshInternals } from '../../mesh-internals.js';
import { connectionOf } from '../inbound-connection.js';
import { onFirstByte } from './first-byte.js';
import { drainMs, InboundTls } from './inbound-tls.js';
import { PlainConnections } from './plain-connections.js';
import { type PortMode, portMode } from './port-mode.js';
import type { Refusals } from './refusals.js';

/** Who gets the connections that are taken. */
export interface Admitted {
  /** In plain text, or what is within TLS. */
  readonly onConnection: (socket: Socket) => void;
  /** Plain text where TLS is required, or may be. Undefined: the first is refused, the second is as any connection. */
  readonly onPlaintext?: ((socket: Socket) => void) | undefined;
  /** A connection whose first bytes are waited for. */
  readonly onWaiting: (socket: Socket) => void;
}

/** Takes connections, or refuses them, as the policies of their port say when they begin. */
export class Admission {
  readonly tls: InboundTls;
  readonly #plain: PlainConnections;

  constructor(
    private readonly internals: MeshInternals,
    private readonly refusals: Refusals,
    private readonly admitted: Admitted,
    protocols: readonly string[],
  ) {
    this.tls = new InboundTls(internals, refusals, admitted.onConnection, protocols);
    this.#plain = new PlainConnections(internals, drainMs);
  }

  /** Connections that are up stay so. */
  close(): void {
    this.tls.close();
    this.#plain.close();
  }

  /** @param firstByteMs how long its first byte may take */
  admit(socket: Socket, firstByteMs: number): void {
    const mode = portMode(this.internals, connectionOf(socket).localPort);
    if (mode === 'plaintext') {
      this.#plain.add(socket);
      this.admitted.onConnection(socket);
      return;
    }
    this.admitted.onWaiting(socket);
    onFirstByte(socket, firstByteMs, this.internals.clock, (isTls) => {
      if (!isTls) this.#takePlaintext(socket, mode);
      else if (mode === 'closed') this.#refuse(socket, 'tls');
      else this.#takeTls(socket);
    });
  }

  #takePlaintext(socket: Socket, mode: PortMode): void {
    const { onConnection, onPlaintext } = this.admitted;
    const whileAwaited = mode === 'awaited' ? onConnection : undefined;
    const take = mode === 'both' ? onConnection : (onPlaintext ?? whileAwaited);
    if (take === undefined) {
      this.#refuse(socket, 'plaintext');
      return;
    }
    this.#plain.add(socket);
    take(socket);
  }

  #takeTls(socket: Socket): void {
    if (this.tls.hasCertificate) this.tls.accept(socket);
    else this.#refuse(socket, 'no_identity');
  }

  #refuse(socket: Socket, reason: PeerRefusalReason): void {
    this.refusals.tell(reason === 'plaintext' ? plaintextRefusal() : refusePeer(reason), socket);
    socket.on('error', () => {});
    socket.destroy();
  }
}
