import type { ChannelCredentials } from '@grpc/grpc-js';
import { backoffDelayMs, type Clock, type MeshResources, type Random, type Timer } from '@inmesh/core';
import { adsService } from '../grpc/ads-service.js';
import type { Logger } from '../logger.js';
import type { Node } from '../messages.js';
import { AdsStream } from './ads-stream.js';
import type { Connect, ConnectIncrementally } from './connection.js';
import { DeltaProtocol } from './delta-protocol.js';
import { grpcConnector } from './grpc-connection.js';
import { type NodeIdentity, nodeMessage } from './node.js';
import type { Protocol } from './protocol.js';
import { Warming } from './warming.js';
import { WorldProtocol } from './world-protocol.js';

/** `incremental` falls back to the state of the world at a server that does not know it. */
export type AdsVariant = 'incremental' | 'state of the world';

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
  /** Default: `state of the world`, which every server knows. */
  readonly variant?: AdsVariant | undefined;
  /** Default: insecure. */
  readonly credentials?: ChannelCredentials | undefined;
  /** Default: 64 MiB. */
  readonly maxReceiveMessageBytes?: number | undefined;
  /** For tests. Default: gRPC to `serverUri`. */
  readonly connect?: Connect | undefined;
  readonly connectIncrementally?: ConnectIncrementally | undefined;
}

/** Uniform in [0, 1 s), [0, 3 s), [0, 7 s) ... [0, 30 s): clients that lose a server together come back apart. */
const reconnectBackoff = { baseMs: 1000, maxMs: 30_000 } as const;

const defaultMaxReceiveMessageBytes = 64 * 1024 * 1024;

/** A stream and its connection, whatever their variant. */
interface Attempt {
  open(): void;
  updateNames(): void;
  close(): void;
}

type State =
  | { readonly kind: 'idle'; readonly reason: string }
  | { readonly kind: 'connecting'; readonly attempt: Attempt }
  | { readonly kind: 'connected'; readonly attempt: Attempt }
  | { readonly kind: 'waiting'; readonly reason: string; readonly atMs: number; readonly timer: Timer };

/**
 * Keeps an ADS stream open and turns what comes into mesh configurations. Whatever happens to the server
 * or to the stream, the last good resources stay.
 */
export class AdsClient {
  readonly #options: AdsClientOptions;
  readonly #connect: Connect;
  readonly #connectIncrementally: ConnectIncrementally;
  readonly #node: Node;
  readonly #warming: Warming;
  #state: State = { kind: 'idle', reason: 'not started' };
  #variant: AdsVariant;
  /** Attempts since the last response. */
  #failures = 0;

  constructor(options: AdsClientOptions) {
    this.#options = options;
    this.#node = nodeMessage(options.node);
    const grpc = {
      serverUri: options.serverUri,
      credentials: options.credentials,
      maxReceiveMessageBytes: options.maxReceiveMessageBytes ?? defaultMaxReceiveMessageBytes,
    };
    this.#connect = options.connect ?? grpcConnector(grpc, adsService.streamAggregatedResources);
    this.#connectIncrementally =
      options.connectIncrementally ?? grpcConnector(grpc, adsService.deltaAggregatedResources);
    this.#variant = options.variant ?? 'state of the world';
    this.#warming = new Warming(options.clock, options.onResources, () => {
      if (this.#state.kind === 'connected') this.#state.attempt.updateNames();
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
    const { store } = this.#warming;
    if (this.#variant === 'incremental') this.#begin(this.#connectIncrementally, new DeltaProtocol(store));
    else this.#begin(this.#connect, new WorldProtocol(store));
  }

  #begin<Request extends { node?: Node | undefined }, Response>(
    connect: Connect<Request, Response>,
    protocol: Protocol<Request, Response>,
  ): void {
    const { clock, logger } = this.#options;
    const isCurrent = () =>
      (this.#state.kind === 'connecting' || this.#state.kind === 'connected') && this.#state.attempt === attempt;
    const connection = connect({
      onOpen: () => {
        if (isCurrent()) this.#opened(attempt);
      },
      onResponse: (response) => {
        if (!isCurrent()) return;
        this.#failures = 0;
        stream.receive(response);
      },
      onClose: (reason, isUnimplemented = false) => {
        if (isCurrent()) this.#closed(reason, isUnimplemented);
      },
    });
    const stream = new AdsStream({ connection, protocol, warming: this.#warming, node: this.#node, clock, logger });
    const attempt: Attempt = {
      open: () => stream.open(),
      updateNames: () => stream.updateNames(),
      close: () => {
        stream.close();
        connection.close();
      },
    };
    this.#enter({ kind: 'connecting', attempt });
  }

  #opened(attempt: Attempt): void {
    this.#options.logger.info('connected to the config server', { serverUri: this.#options.serverUri });
    attempt.open();
    this.#warming.connected();
    this.#enter({ kind: 'connected', attempt });
  }

  #closed(reason: string, isUnimplemented: boolean): void {
    if (isUnimplemented && this.#variant === 'incremental') {
      this.#fallBack();
      return;
    }
    // Knows neither variant: that is no server, or not yet.
    if (isUnimplemented) this.#variant = this.#options.variant ?? 'state of the world';
    this.#wait(reason);
  }

  #fallBack(): void {
    const { logger, serverUri } = this.#options;
    logger.info('the config server does not know incremental xDS: taking the state of the world', { serverUri });
    this.#leave();
    this.#variant = 'state of the world';
    this.#attempt();
  }

  #wait(reason: string): void {
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
      state.attempt.close();
      this.#warming.disconnected();
    }
  }

  #enter(state: State): void {
    this.#state = state;
    this.#options.onStatus?.(this.status);
  }
}
