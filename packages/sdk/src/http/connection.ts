import type { Clock } from '@inmesh/core';
import { type buildConnector, Client, type Dispatcher } from 'undici';
import type { ConnectionSettings } from './connection-settings.js';
import type { QueuedHandler } from './queued-handler.js';

type State =
  /** One request is under way, or waits for the connection to come up. */
  | 'busy'
  | 'idle'
  /** Lost, too old or used often enough: to be closed. */
  | 'spent';

interface Listener {
  /** The connection is no longer busy, or was lost while idle. */
  onFree(connection: Connection): void;
}

/** One connection to an endpoint: an undici Client that is given one request at a time. */
export class Connection {
  readonly #client: Client;
  readonly #openedAt: number;
  readonly #epoch: unknown;
  /** When the certificate of the server does, on the wall clock. */
  #expiresAt = Number.POSITIVE_INFINITY;
  #state: State = 'idle';
  #handler: QueuedHandler | undefined;
  #connected = false;
  #giveUpConnecting: (() => void) | undefined;
  #requests = 0;

  constructor(
    origin: string,
    private readonly settings: ConnectionSettings,
    private readonly clock: Clock,
    private readonly listener: Listener,
  ) {
    this.#openedAt = clock.now();
    this.#epoch = settings.epoch?.();
    const connect: buildConnector.connector = (target, connected) => {
      this.#giveUpConnecting = settings.connect(target, (...outcome) => {
        const [, socket] = outcome;
        if (socket !== null && settings.validity !== undefined) this.#expiresAt = settings.validity.endOf(socket);
        connected(...outcome);
      });
    };
    this.#client = new Client(origin, { ...settings.client, connect });
    this.#client.on('connect', () => {
      this.#connected = true;
      this.#giveUpConnecting = undefined;
    });
    this.#client.on('disconnect', () => {
      this.#connected = false;
      // Of a request that was given up undici makes nothing but another connection.
      if (this.#state === 'idle' || this.#handler?.isOver === true) this.#free();
    });
    this.#client.on('drain', () => {
      if (this.#state === 'busy') this.#free();
    });
  }

  get state(): State {
    return this.#state;
  }

  /** Still on its way up, for a request that was given up. */
  get isForNobody(): boolean {
    return this.#state === 'busy' && !this.#connected && this.#handler?.isOver === true;
  }

  get isTooOld(): boolean {
    const { maxDurationMs, epoch, validity } = this.settings;
    if (epoch !== undefined && epoch() !== this.#epoch) return true;
    if (validity !== undefined && validity.now() >= this.#expiresAt) return true;
    return maxDurationMs > 0 && this.clock.now() - this.#openedAt >= maxDurationMs;
  }

  send(options: Dispatcher.DispatchOptions, handler: QueuedHandler): void {
    this.#state = 'busy';
    this.#handler = handler;
    this.#requests += 1;
    const free = this.#client.dispatch(options, handler as unknown as Dispatcher.DispatchHandler);
    if (free || handler.isOver) this.#freeUnlessUsed(this.#requests);
  }

  /** Settles when the connection is gone. */
  close(): Promise<void> {
    if (!this.#connected) return this.destroy();
    this.#state = 'spent';
    return this.#client.close();
  }

  destroy(): Promise<void> {
    this.#state = 'spent';
    const destroyed = this.#client.destroy();
    this.#giveUpConnecting?.();
    return destroyed;
  }

  /** A request that undici refused at once leaves nothing behind that «drain» would tell of. */
  #freeUnlessUsed(requests: number): void {
    queueMicrotask(() => {
      const over = this.#state === 'busy' && this.#requests === requests && this.#client.stats.size === 0;
      if (over) this.#free();
    });
  }

  #free(): void {
    const spent = !this.#connected || this.#requests >= this.settings.maxRequests || this.isTooOld;
    this.#state = spent ? 'spent' : 'idle';
    this.#handler = undefined;
    this.listener.onFree(this);
  }
}
