import { MeshError } from '../errors.js';
import type { FinishListener, Reply } from '../service.js';

/** A reply whose end the test decides. */
export class FakeReply implements Reply {
  readonly grpcStatus = undefined;
  delivered = false;
  discarded = false;
  readonly #listeners: FinishListener[] = [];

  constructor(
    readonly httpStatus: number,
    private readonly headers: Readonly<Record<string, string>> = {},
  ) {}

  header(name: string): string | undefined {
    return this.headers[name];
  }

  onFinish(listener: FinishListener): void {
    this.#listeners.push(listener);
  }

  deliver(): void {
    this.delivered = true;
  }

  discard(): void {
    this.discarded = true;
    this.finish();
  }

  finish(failure?: MeshError): void {
    for (const listener of this.#listeners.splice(0)) listener(failure);
  }
}

export function refused(): MeshError {
  return new MeshError('upstream_connection_failure', { message: 'connection refused' });
}

export function terminated(): MeshError {
  return new MeshError('upstream_connection_termination', { message: 'socket hang up', maybeSent: true });
}
