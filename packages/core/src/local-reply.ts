import { HeaderList } from './header-list.js';
import type { FinishListener, LocalResponse, Reply } from './service.js';

/** Writes an answer of the mesh itself to whoever waits for it. */
export type LocalResponseSink = (httpStatus: number, headers: HeaderList, body: string) => void;

/** A reply that no upstream made. It is over as soon as it is delivered or discarded. */
export class LocalReply implements Reply {
  readonly httpStatus: number;
  readonly grpcStatus: number | undefined;
  readonly flags: string | undefined;
  readonly #headers: HeaderList;
  #listeners: FinishListener[] | undefined = [];

  constructor(
    private readonly response: LocalResponse,
    private readonly sink: LocalResponseSink,
  ) {
    this.httpStatus = response.httpStatus;
    this.grpcStatus = response.grpcStatus;
    this.flags = response.flags;
    this.#headers = new HeaderList([...response.headers]);
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
    if (this.#listeners === undefined) listener(undefined);
    else this.#listeners.push(listener);
  }

  deliver(): void {
    this.sink(this.httpStatus, this.#headers, this.response.body);
    this.#finish();
  }

  discard(): void {
    this.#finish();
  }

  #finish(): void {
    const listeners = this.#listeners ?? [];
    this.#listeners = undefined;
    for (const listener of listeners) listener(undefined);
  }
}
