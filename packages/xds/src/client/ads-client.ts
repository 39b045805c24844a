import type { ChannelCredentials } from '@grpc/grpc-js';
import { backoffDelayMs, type Clock, type MeshResources, type Random, type Timer } from '@inmesh/core';
import type { Logger } from '../logger.js';
import type { Node } from '../messages.js';
import { AdsStream } from './ads-stream.js';
import type { AdsConnection, Connect } from './connection.js';
import { grpcConnector } from './grpc-connection.js';
import { type NodeIdentity, nodeMessage } from './node.js';
import { Warming } from './warming.js';

export type AdsStatus =
  | { readonly kind: 'connecting' }
  | { readonly kind: 'connected' }
  /** `nextAttemptAtMs` on the scale of the clock; Infinity before `start` and after `close`. */
  | { readonly kind: 'disconnected'; readonly reason: string; readonly nextAttemptAtMs: number };

export interface AdsClientOptions {
  /** `host:port` of the config server. */
  readonly serverUri: string;
  readonly node: NodeIdentity;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Called with each complete and consistent configuration, at most once a turn. Unchanged parts are the same objects. */
  readonly onResources: (resources: MeshResources) => void;
  readonly onStatus?: ((status: AdsStatus) => void) | undefined;
  /** Default: insecure. */
  readonly credentials?: ChannelCredentials | undefined;
  /** Default: 64 MiB. */
  readonly maxReceiveMessageBytes?: number | undefined;
  /** For tests. Default: gRPC to `serverUri`. */
  readonly connect?: Connect | undefined;
}

/** Uniform in [0, 1 s), [0, 3 s), [0, 7 s) ... [0, 30 s): clients that lose a server together come back apart. */
const reconnectBackoff = { baseMs: 1000, maxMs: 30_000 } as const;

const defaultMaxReceiveMessageBytes = 64 * 1024 * 1024;

interface Attempt {
  readonly connection: AdsConnection;
  readonly stream: AdsStream;
}

type State =
  | { readonly kind: 'idle'; readonly reason: string }
  | (Attempt & { readonly kind: 'connecting' })
  | (Attempt & { readonly kind: 'connected' })
  | { readonly kind: 'waiting'; readonly reason: string; readonly atMs: number; readonly timer: Timer };

/**
 * Keeps a state-of-the-world ADS stream open and turns what comes into mesh configurations. Whatever happens to the server
 * or to the stream, the last good resources stay.
 */
export class AdsClient {
  readonly #options: AdsClientOptions;
  readonly #connect: Connect;
  readonly #node: Node;
  readonly #warming: Warming;
  #state: State = { kind: 'idle', reason: 'not started' };
  /** Attempts since the last response. */
  #failures = 0;

  constructor(options: AdsClientOptions) {
    this.#options = options;
    this.#node = nodeMessage(options.node);
    this.#connect =
      options.connect ??
      grpcConnector({
        serverUri: options.serverUri,
        credentials: options.credentials,
        maxReceiveMessageBytes: options.maxReceiveMessageBytes ?? defaultMaxReceiveMessageBytes,
      });
    this.#warming = new Warming(options.clock, options.onResources, () => {
      if (this.#state.kind === 'connected') this.#state.stream.updateNames();
    });
  }

  get status(): AdsStatus {
    const state = this.#state;
    if (state.kind === 'connecting' || state.kind === 'connected') return { kind: state.kind };
    const nextAttemptAtMs = state.kind === 'waiting' ? state.atMs : Number.POSITIVE_INFINITY;
    return { kind: 'disconnected', reason: state.reason, nextAttemptAtMs };
  }

  /** Does nothing when started already. */
  start(): void {
    if (this.#state.kind === 'idle') this.#attempt();
  }

  /** Leaves no timer and no socket behind; what was published stays valid. */
  close(): void {
    this.#leave();
    this.#warming.close();
    this.#enter({ kind: 'idle', reason: 'closed' });
  }

  #attempt(): void {
    const { clock, logger } = this.#options;
    const isCurrent = () =>
      this.#state.kind !== 'idle' && this.#state.kind !== 'waiting' && this.#state.stream === stream;
    const connection = this.#connect({
      onOpen: () => {
        if (isCurrent()) this.#opened(connection, stream);
      },
      onResponse: (response) => {
        if (!isCurrent()) return;
        this.#failures = 0;
        stream.receive(response);
      },
      onClose: (reason) => {
        if (isCurrent()) this.#closed(reason);
      },
    });
    const stream = new AdsStream({ connection, warming: this.#warming, node: this.#node, clock, logger });
    this.#enter({ kind: 'connecting', connection, stream });
  }

  #opened(connection: AdsConnection, stream: AdsStream): void {
    this.#options.logger.info('connected to the config server', { serverUri: this.#options.serverUri });
    stream.open();
    this.#warming.connected();
    this.#enter({ kind: 'connected', connection, stream });
  }

  #closed(reason: string): void {
    const { clock, random, logger, serverUri } = this.#options;
    this.#leave();
    this.#failures += 1;
    const delayMs = backoffDelayMs(reconnectBackoff, this.#failures, random);
    logger.warn('lost the config server', { serverUri, reason, retryInMs: Math.round(delayMs) });
    const timer = clock.setTimer(delayMs, () => this.#attempt());
    this.#enter({ kind: 'waiting', reason, atMs: clock.now() + delayMs, timer });
  }

  /** The clean-up of every state. */
  #leave(): void {
    const state = this.#state;
    if (state.kind === 'waiting') state.timer.cancel();
    if (state.kind === 'connecting' || state.kind === 'connected') {
      state.stream.close();
      state.connection.close();
      this.#warming.disconnected();
    }
  }

  #enter(state: State): void {
    this.#state = state;
    this.#options.onStatus?.(this.status);
  }
}
