import type { CircuitBreaker, Clock } from '@inmesh/core';
import { type Dispatcher, errors } from 'undici';
import { Connection } from './connection.js';
import type { ConnectionSettings } from './connection-settings.js';
import type { QueuedHandler } from './queued-handler.js';
import { type QueuedRequest, RequestQueue } from './request-queue.js';

/**
 * The connections to one endpoint of one cluster, and the requests that wait for one, first come first served. The limit
 * is the cluster's: its breaker counts the connections to all of its endpoints, but every endpoint may have one (Envoy
 * circuit_breaking.rst).
 */
export class ConnectionPool {
  readonly #all = new Set<Connection>();
  /** The one used last is used first, so that those there is no need for become old. */
  readonly #idle: Connection[] = [];
  readonly #waiting = new RequestQueue();
  readonly #ending = new Set<Promise<void>>();
  #closing: { readonly done: Promise<unknown>; readonly settle: () => void } | undefined;

  constructor(
    private readonly origin: string,
    private readonly settings: ConnectionSettings,
    private readonly breaker: CircuitBreaker,
    private readonly clock: Clock,
  ) {}

  get hasIdle(): boolean {
    return this.#idle.length > 0;
  }

  get isClosed(): boolean {
    return this.#closing !== undefined;
  }

  get size(): number {
    return this.#all.size;
  }

  /** @throws undici's own error once the pool is closed */
  dispatch(options: Dispatcher.DispatchOptions, handler: QueuedHandler): void {
    if (this.#closing !== undefined) throw new errors.ClientClosedError();
    const connection = this.#takeIdle() ?? this.#open();
    if (connection === undefined) {
      this.#waiting.add({ options, handler });
      return;
    }
    const first = this.#waiting.next();
    if (first === undefined) {
      connection.send(options, handler);
      return;
    }
    // Another endpoint has given up its place in the limit since others began to wait: it is theirs first.
    this.#waiting.add({ options, handler });
    connection.send(first.options, first.handler);
  }

  /** Closes what is idle and too old: its identity may be one that is trusted no more. */
  retireIdle(): void {
    for (const connection of [...this.#idle]) if (connection.isTooOld) this.#drop(connection);
  }

  /** Settles when every request under way, and every one that waits, has ended, and every connection is gone. */
  async close(): Promise<void> {
    if (this.#closing === undefined) {
      this.#closing = this.#begin();
      for (const connection of [...this.#all])
        if (connection.state === 'idle' || connection.isForNobody) this.#drop(connection);
      this.#settleWhenEmpty();
    }
    await this.#closing.done;
    await Promise.all(this.#ending);
  }

  async destroy(): Promise<void> {
    const closed = this.close();
    const error = new errors.ClientDestroyedError();
    for (const { handler } of this.#waiting.takeAll()) handler.onError(error);
    for (const connection of [...this.#all]) {
      this.#forget(connection);
      this.#end(connection.destroy());
    }
    this.#settleWhenEmpty();
    await closed;
  }

  onFree(connection: Connection): void {
    if (connection.state === 'spent') this.#drop(connection);
    const next = this.#waiting.next();
    if (next !== undefined) this.#serve(connection, next);
    else if (connection.state === 'idle') this.#rest(connection);
    this.#settleWhenEmpty();
  }

  #serve(freed: Connection, next: QueuedRequest): void {
    const connection = freed.state === 'idle' ? freed : this.#open();
    if (connection === undefined) this.#waiting.putBack(next);
    else connection.send(next.options, next.handler);
  }

  #rest(connection: Connection): void {
    if (this.#closing === undefined) this.#idle.push(connection);
    else this.#drop(connection);
  }

  #takeIdle(): Connection | undefined {
    for (;;) {
      const connection = this.#idle.pop();
      if (connection === undefined || !connection.isTooOld) return connection;
      this.#drop(connection);
    }
  }

  #open(): Connection | undefined {
    if (this.#all.size > 0 && this.breaker.remaining('connections') === 0) return undefined;
    const connection = new Connection(this.origin, this.settings, this.clock, this);
    this.#all.add(connection);
    this.breaker.connections += 1;
    return connection;
  }

  #drop(connection: Connection): void {
    this.#forget(connection);
    this.#end(connection.close());
  }

  #end(gone: Promise<void>): void {
    const ending = gone.catch(() => {}).finally(() => this.#ending.delete(ending));
    this.#ending.add(ending);
  }

  #forget(connection: Connection): void {
    if (!this.#all.delete(connection)) return;
    this.breaker.connections -= 1;
    const at = this.#idle.indexOf(connection);
    if (at >= 0) this.#idle.splice(at, 1);
  }

  #begin() {
    let settle!: () => void;
    const done = new Promise<void>((resolve) => {
      settle = resolve;
    });
    return { done, settle };
  }

  #settleWhenEmpty(): void {
    if (this.#closing !== undefined && this.#all.size === 0 && this.#waiting.isEmpty) this.#closing.settle();
  }
}
