import { MeshError } from '../errors.js';
import { HeaderList } from '../header-list.js';
import type { FinishListener, Reply } from '../service.js';

/** A reply whose end the test decides. */
export class FakeReply implements Reply {
  readonly grpcStatus: number | undefined = undefined;
  readonly flags = undefined;
  delivered = false;
  discarded = false;
  readonly #listeners: FinishListener[] = [];

  readonly #headers: HeaderList;

  constructor(
    readonly httpStatus: number,
    headers: Readonly<Record<string, string>> = {},
  ) {
    this.#headers = HeaderList.of(Object.entries(headers));
  }

  header(name: string): string | undefined {
    return this.#headers.get(name);
  }

  setHeader(name: string, value: string): void {
    this.#headers.set(name, value);
  }

  appendHeader(name: string, value: string): void {
    this.#headers.append(name, value);
  }

  removeHeader(name: string): void {
    this.#headers.delete(name);
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
