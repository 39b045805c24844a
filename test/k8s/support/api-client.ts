import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { Agent, request } from 'node:https';
import { text } from 'node:stream/consumers';
import { type KubernetesObject, pathOf } from './resource-path.js';
import { Watch } from './watch.js';

export interface Answer<T> {
  readonly status: number;
  /** Parsed when it is JSON. */
  readonly body: T;
}

export interface RequestOptions {
  /** Whose rights the request has. Default: the administrator's. */
  readonly token?: string;
  /** Default `application/json`. */
  readonly contentType?: string;
}

/** An answer that says no to what a test needs. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    what: string,
    body: unknown,
  ) {
    super(`${what}: ${status} ${typeof body === 'string' ? body : JSON.stringify(body)}`);
  }
}

/** What tests say to an API server, over TLS and HTTP/1.1, as plainly as it goes. */
export class ApiClient {
  readonly #agent: Agent;

  constructor(
    private readonly url: string,
    private readonly token: string,
    ca: string,
  ) {
    this.#agent = new Agent({ keepAlive: true, ca });
  }

  /** Any status is an answer. */
  async request<T = KubernetesObject>(
    method: string,
    path: string,
    body?: object,
    options?: RequestOptions,
  ): Promise<Answer<T>> {
    const response = await this.#send(method, path, body, options);
    const content = await text(response);
    const isJson = response.headers['content-type']?.includes('json');
    return { status: response.statusCode!, body: isJson ? JSON.parse(content) : content };
  }

  /** Creates it or changes it to this, by server-side apply of the field manager `test`. @throws {ApiError} */
  apply<T extends KubernetesObject>(object: T): Promise<T> {
    return this.#apply(object, pathOf(object));
  }

  /** As `apply`, its status alone. */
  applyStatus<T extends KubernetesObject>(object: T): Promise<T> {
    return this.#apply(object, `${pathOf(object)}/status`);
  }

  /** At once, unless told to wait `gracePeriodSeconds`; what is not there is no error. @throws {ApiError} */
  async remove(object: KubernetesObject, { gracePeriodSeconds = 0 } = {}): Promise<void> {
    const path = pathOf(object);
    const { status, body } = await this.request('DELETE', path, { gracePeriodSeconds });
    if (status >= 300 && status !== 404) throw new ApiError(status, `DELETE ${path}`, body);
  }

  /** Resolves when the stream has begun; `query` is that of the request. @throws {ApiError} when it does not begin */
  async watch(path: string, query: Readonly<Record<string, string>> = {}, options?: RequestOptions): Promise<Watch> {
    const target = `${path}?${new URLSearchParams({ ...query, watch: 'true' })}`;
    const response = await this.#send('GET', target, undefined, options);
    if (response.statusCode !== 200) throw new ApiError(response.statusCode!, `GET ${target}`, await text(response));
    return new Watch(response);
  }

  close(): void {
    this.#agent.destroy();
  }

  async #apply<T extends KubernetesObject>(object: T, path: string): Promise<T> {
    const options = { contentType: 'application/apply-patch+yaml' };
    const { status, body } = await this.request<T>('PATCH', `${path}?fieldManager=test&force=true`, object, options);
    if (status >= 300) throw new ApiError(status, `apply ${path}`, body);
    return body;
  }

  async #send(
    method: string,
    path: string,
    body: object | undefined,
    { token = this.token, contentType = 'application/json' }: RequestOptions = {},
  ): Promise<IncomingMessage> {
    const content = body && JSON.stringify(body);
    const headers = {
      accept: 'application/json',
      authorization: `Bearer ${token}`,
      // Node gives a DELETE neither length nor chunks by itself.
      ...(content && { 'content-type': contentType, 'content-length': Buffer.byteLength(content) }),
    };
    const sent = request(`${this.url}${path}`, { method, headers, agent: this.#agent });
    // Of a connection that is cut after the answer has begun, whose end says it all.
    sent.on('error', () => {});
    sent.end(content);
    const [response] = await once(sent, 'response');
    return response;
  }
}
