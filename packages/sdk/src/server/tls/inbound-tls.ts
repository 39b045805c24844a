import { constants, type X509Certificate } from 'node:crypto';
import type { Socket } from 'node:net';
import { createServer, type Server, type TLSSocket, type TlsOptions } from 'node:tls';
import type { Identity } from '../../identity/identity.js';
import { allAuthorities, trustOf } from '../../identity/trust.js';
import { verifyPeer } from '../../identity/verify-peer.js';
import type { MeshInternals } from '../../mesh-internals.js';
import { describe, rememberVerified } from '../inbound-connection.js';
import { checkClient } from './check-client.js';
import { chooseProtocol } from './choose-protocol.js';
import { Expiries } from './expiries.js';
import { connectionBelow, failedHandshake } from './failed-handshake.js';
import { Handshakes } from './handshakes.js';
import { wantsCertificate } from './port-mode.js';
import type { Refusals } from './refusals.js';

/** Envoy's default of `--drain-time-s`. */
export const drainMs = 600_000;

/** Ends the TLS of connections that somebody else has accepted, and hands on those of verified peers. */
export class InboundTls {
  readonly #server: Server;
  readonly #open = new Map<TLSSocket, readonly X509Certificate[]>();
  readonly #outdated = new WeakSet<Socket>();
  readonly #handshakes: Handshakes;
  readonly #expiries: Expiries<Socket>;
  /** Told once of each connection that is outdated. */
  onOutdated: ((socket: Socket) => void) | undefined;
  readonly #stopListening: () => void;

  constructor(
    private readonly internals: MeshInternals,
    private readonly refusals: Refusals,
    private readonly handOver: (socket: TLSSocket) => void,
    /** In the order of preference. */
    private readonly protocols: readonly string[],
  ) {
    const { identity } = internals;
    this.#handshakes = new Handshakes(internals.clock);
    this.#expiries = new Expiries(internals.clock, this.#wallClock, (socket) => this.#outdate(socket));
    this.#server = createServer(this.#options(identity?.current));
    hideKey(this.#server);
    this.#server.on('secureConnection', (socket) => this.#onSecure(socket));
    this.#server.on('tlsClientError', (error, socket) => {
      refusals.tell(failedHandshake(error), connectionBelow(socket));
      socket.destroy();
    });
    this.#stopListening = identity?.onChange((next) => this.#take(next)) ?? (() => {});
  }

  get hasCertificate(): boolean {
    return this.internals.identity?.current?.certificate !== undefined;
  }

  accept(socket: Socket): void {
    // HTTP in plain text may go on after the client has said its last; a handshake cannot.
    socket.allowHalfOpen = false;
    this.#handshakes.begin(socket);
    this.#server.emit('connection', socket);
  }

  /**
   * Whether the peer of a connection would be refused by now: nothing more may begin on it, and what it has begun may end,
   * within `drainMs`.
   */
  isOutdated(socket: Socket): boolean {
    return this.#outdated.has(socket) || this.#expiries.isExpired(socket);
  }

  close(): void {
    this.#stopListening();
    this.#expiries.close();
  }

  get #wallClock(): () => number {
    return this.internals.wallClock ?? Date.now;
  }

  /** Connections that are up keep what they were made with. */
  #take(identity: Identity): void {
    this.#server.setSecureContext(this.#options(identity));
    hideKey(this.#server);
    const bundles = trustOf(identity);
    const now = this.#wallClock();
    for (const [socket, chain] of this.#open) {
      if (!verifyPeer(chain, bundles, now).ok) this.#outdate(socket);
    }
  }

  #outdate(socket: Socket): void {
    if (this.#outdated.has(socket)) return;
    this.#outdated.add(socket);
    const timer = this.internals.clock.setTimer(drainMs, () => socket.destroy());
    socket.once('close', () => timer.cancel());
    this.onOutdated?.(socket);
  }

  #onSecure(socket: TLSSocket): void {
    this.#handshakes.done(socket);
    const { identity } = this.internals;
    const isWanted = wantsCertificate(this.internals, socket.localPort ?? 0);
    const verdict = checkClient(socket, identity?.current, this.#wallClock(), isWanted);
    if (!verdict.ok) {
      this.refusals.tell(verdict, socket);
      socket.on('error', () => {});
      socket.destroy();
      return;
    }
    if (verdict.chain.length > 0) {
      this.#open.set(socket, verdict.chain);
      this.#expiries.add(socket, Date.parse(verdict.chain[0]!.validTo));
      socket.once('close', () => {
        this.#open.delete(socket);
        this.#expiries.delete(socket);
      });
    }
    const { servername } = socket as { servername?: string | false };
    rememberVerified(socket, describe(socket, { isTls: true, peer: verdict.peer, serverName: servername || '' }));
    this.handOver(socket);
  }

  /**
   * Sessions are never resumed: their clients were verified by rules and bundles of another time. Nor are they negotiated
   * anew (TLS 1.2), where a client could show another certificate than the one that was verified.
   */
  #options(identity: Identity | undefined): TlsOptions {
    const certificate = identity?.certificate;
    return {
      ...(certificate && { cert: certificate.certificateChain, key: certificate.privateKey }),
      // Without any authority Node would take its own ones; an empty list trusts nobody.
      ca: identity === undefined ? [] : allAuthorities(identity),
      requestCert: true,
      rejectUnauthorized: false,
      minVersion: 'TLSv1.2',
      secureOptions: constants.SSL_OP_NO_TICKET | constants.SSL_OP_NO_RENEGOTIATION,
      ALPNCallback: ({ protocols }) => chooseProtocol(this.protocols, protocols),
    };
  }
}

/** Node keeps the PEM of the key beside what it has made of it, in reach of whoever prints a socket. */
function hideKey(server: Server): void {
  for (const name of ['key', 'cert']) Reflect.deleteProperty(server, name);
}
