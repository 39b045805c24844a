import type { ServerWritableStream } from '@grpc/grpc-js';
import type { HealthRequest, ServingStatus } from './health-messages.js';

const unavailable = 14;

/** One client that watches one service. A client that reads slowly is told the newest status, and not every one between. */
export class HealthWatch {
  /** What is to be said once the client has read on; undefined while it keeps up. */
  #waiting: ServingStatus | 'nothing' | undefined;

  constructor(private readonly stream: ServerWritableStream<HealthRequest, ServingStatus>) {}

  get service(): string {
    return this.stream.request.service;
  }

  tell(status: ServingStatus): void {
    if (this.#waiting !== undefined) {
      this.#waiting = status;
      return;
    }
    if (this.stream.write(status)) return;
    this.#waiting = 'nothing';
    this.stream.once('drain', () => this.#readOn(status));
  }

  end(): void {
    this.stream.emit('error', { code: unavailable, details: 'the server is shutting down' });
  }

  #readOn(said: ServingStatus): void {
    const status = this.#waiting;
    this.#waiting = undefined;
    if (status !== undefined && status !== 'nothing' && status !== said) this.tell(status);
  }
}
