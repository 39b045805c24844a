import { backoffDelayMs, type Clock, type Random, type Timer } from '@inmesh/core';
import type { Logger } from '../../logger.js';
import type { ControlPlane, Node } from '../../messages.js';
import { AdsStream } from '../ads-stream.js';
import type { Connect, ConnectIncrementally } from '../connection.js';
import { DeltaProtocol } from '../delta-protocol.js';
import type { Protocol } from '../protocol.js';
import type { XdsServerConfig } from '../server-config.js';
import type { WarmingScope } from '../warming-scope.js';
import { WorldProtocol } from '../world-protocol.js';
import type { Freshness } from './freshness.js';

/** `incremental` falls back to the state of the world at a server that does not know it. */
export type AdsVariant = 'incremental' | 'state of the world';

export interface LinkOptions {
  readonly server: XdsServerConfig;
  readonly connect: Connect;
  readonly connectIncrementally: ConnectIncrementally;
  readonly variant: AdsVariant;
  readonly node: Node;
  readonly warming: WarmingScope;
  /** Shared by those that serve the same. */
  readonly freshness: Freshness;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/** What a link tells of itself, after it has changed. */
export interface LinkEvents {
  onStatus(link: ServerLink): void;
  /** The first response of a stream, before anything is made of it. */
  onAnswer(link: ServerLink): void;
  /** It lasts too long until it answers. */
  onSilence(link: ServerLink): void;
  /** Whether what is known has the versions of this server, so that it need not send it again. */
  isOwner(link: ServerLink): boolean;
}

export type LinkStatus =
  | { readonly kind: 'connecting' }
  | { readonly kind: 'connected'; readonly serverUri: string }
  /** `nextAttemptAtMs` on the scale of the clock; Infinity before `start` and after `close`. */
  | { readonly kind: 'disconnected'; readonly reason: string; readonly nextAttemptAtMs: number };

/** Uniform in [0, 1 s), [0, 3 s), [0, 7 s) ... [0, 30 s): clients that lose a server together come back apart. */
const reconnectBackoff = { baseMs: 1000, maxMs: 30_000 } as const;

/** How long a server may take to give its first response before it counts as one that cannot be reached. */
const answerTimeoutMs = 15_000;

/** What is the same in both variants. */
interface AnyRequest {
  node?: Node | undefined;
}
interface AnyResponse {
  controlPlane?: ControlPlane | undefined;
}

/** A stream and its connection, whatever their variant. */
interface Attempt {
  updateNames(): void;
  close(): void;
}

type State =
  | { readonly kind: 'idle'; readonly reason: string }
  | { readonly kind: 'connecting'; readonly attempt: Attempt }
  | { readonly kind: 'connected'; readonly attempt: Attempt }
  | { readonly kind: 'waiting'; readonly reason: string; readonly atMs: number; readonly timer: Timer };

/** Keeps a stream open to one server, for as long as it is wanted. */
export class ServerLink {
  readonly #options: LinkOptions;
  readonly #events: LinkEvents;
  #state: State = { kind: 'idle', reason: 'not started' };
  #variant: AdsVariant;
  /** Attempts since the last response. */
  #failures = 0;
  /** Whether the stream of the current attempt had any response. */
  #hasAnswered = false;
  #isUnreachable = false;
  #answerTimer: Timer | undefined;

  constructor(options: LinkOptions, events: LinkEvents) {
    this.#options = options;
    this.#events = events;
    this.#variant = options.variant;
  }

  get server(): XdsServerConfig {
    return this.#options.server;
  }

  get status(): LinkStatus {
    const state = this.#state;
    if (state.kind === 'connecting') return { kind: 'connecting' };
    if (state.kind === 'connected') return { kind: 'connected', serverUri: this.server.serverUri };
    const nextAttemptAtMs = state.kind === 'waiting' ? state.atMs : Number.POSITIVE_INFINITY;
    return { kind: 'disconnected', reason: state.reason, nextAttemptAtMs };
  }

  get isStarted(): boolean {
    return this.#state.kind !== 'idle';
  }

  /** An attempt ended, or lasts too long, without any response, and none has come since. */
  get isUnreachable(): boolean {
    return this.#isUnreachable;
  }

  /** Does nothing when started already. */
  start(): void {
    if (this.#state.kind !== 'idle') return;
    this.#awaitAnswer();
    this.#attempt();
  }

  updateNames(): void {
    if (this.#state.kind === 'connected') this.#state.attempt.updateNames();
  }

  /** Leaves no timer and no socket behind; it can be started again. */
  close(reason: string): void {
    this.#leave();
    this.#failures = 0;
    this.#isUnreachable = false;
    this.#enter({ kind: 'idle', reason });
  }

  #attempt(): void {
    const { warming, connect, connectIncrementally } = this.#options;
    const isOwner = this.#events.isOwner(this);
    if (this.#variant === 'incremental') this.#begin(connectIncrementally, new DeltaProtocol(warming.store, isOwner));
    else this.#begin(connect, new WorldProtocol(warming.store, isOwner));
  }

  #begin<Request extends AnyRequest, Response extends AnyResponse>(
    connect: Connect<Request, Response>,
    protocol: Protocol<Request, Response>,
  ): void {
    const { clock, logger, warming, node, freshness } = this.#options;
    const isCurrent = () =>
      (this.#state.kind === 'connecting' || this.#state.kind === 'connected') && this.#state.attempt === attempt;
    this.#hasAnswered = false;
    const connection = connect({
      onOpen: () => {
        if (isCurrent()) this.#opened(attempt);
      },
      onResponse: (response) => {
        if (!isCurrent()) return;
        const identifier = response.controlPlane?.identifier;
        if (!this.#hasAnswered && !freshness.admits(identifier)) {
          this.#wait('it is behind the server before it: what is known is newer');
          return;
        }
        freshness.note(identifier);
        if (!this.#hasAnswered) this.#answered();
        stream.receive(response);
      },
      onClose: (reason, isUnimplemented = false) => {
        if (isCurrent()) this.#closed(reason, isUnimplemented);
      },
    });
    const stream = new AdsStream({ connection, protocol, warming, node, clock, logger });
    const attempt: Attempt = {
      updateNames: () => stream.updateNames(),
      close: () => {
        stream.close();
        connection.close();
      },
    };
    this.#enter({ kind: 'connecting', attempt });
  }

  #opened(attempt: Attempt): void {
    this.#options.logger.info('connected to the config server', { serverUri: this.server.serverUri });
    attempt.updateNames();
    this.#enter({ kind: 'connected', attempt });
  }

  #awaitAnswer(): void {
    this.#answerTimer ??= this.#options.clock.setTimer(answerTimeoutMs, () => {
      this.#answerTimer = undefined;
      this.#isUnreachable = true;
      this.#events.onSilence(this);
    });
  }

  #answered(): void {
    this.#hasAnswered = true;
    this.#failures = 0;
    this.#isUnreachable = false;
    this.#answerTimer?.cancel();
    this.#answerTimer = undefined;
    this.#events.onAnswer(this);
  }

  #closed(reason: string, isUnimplemented: boolean): void {
    if (isUnimplemented && this.#variant === 'incremental') {
      this.#fallBack();
      return;
    }
    // Knows neither variant: that is no server, or not yet.
    if (isUnimplemented) this.#variant = this.#options.variant;
    if (!this.#hasAnswered) this.#isUnreachable = true;
    this.#wait(reason);
  }

  #fallBack(): void {
    const { serverUri } = this.server;
    this.#options.logger.info('the config server does not know incremental xDS: taking the state of the world', {
      serverUri,
    });
    this.#variant = 'state of the world';
    this.#leaveAttempt();
    this.#attempt();
  }

  #wait(reason: string): void {
    const { clock, random, logger } = this.#options;
    this.#leaveAttempt();
    this.#awaitAnswer();
    this.#failures += 1;
    const delayMs = backoffDelayMs(reconnectBackoff, this.#failures, random);
    const { serverUri } = this.server;
    logger.warn('lost the config server', { serverUri, reason, retryInMs: Math.round(delayMs) });
    const timer = clock.setTimer(delayMs, () => this.#attempt());
    this.#enter({ kind: 'waiting', reason, atMs: clock.now() + delayMs, timer });
  }

  /** The clean-up of every state. */
  #leave(): void {
    this.#answerTimer?.cancel();
    this.#answerTimer = undefined;
    this.#leaveAttempt();
  }

  #leaveAttempt(): void {
    const state = this.#state;
    if (state.kind === 'waiting') state.timer.cancel();
    if (state.kind === 'connecting' || state.kind === 'connected') state.attempt.close();
  }

  #enter(state: State): void {
    this.#state = state;
    this.#events.onStatus(this);
  }
}
