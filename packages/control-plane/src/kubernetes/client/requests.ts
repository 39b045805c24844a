import { setMaxListeners } from 'node:events';
import type { Clock, Random } from '@inmesh/core';
import { sleep } from '../sleep.js';
import { eitherOf } from './either-signal.js';
import { KubernetesError, type KubernetesProblem, problemOfStatus, type Status } from './problem.js';
import type { Method, Transport, TransportAnswer } from './transport.js';

export interface ApiRequest {
  readonly method: Method;
  /** Without query. */
  readonly path: string;
  /** What is undefined is left out. */
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly body?: unknown;
  readonly contentType?: string;
  readonly signal?: AbortSignal | undefined;
  readonly isList?: boolean;
  /** Default: that of all. */
  readonly timeoutMs?: number | undefined;
}

export interface RequestOptions {
  readonly transport: Transport;
  readonly clock: Clock;
  readonly random: Random;
  /** Of one attempt, its answer read; of a watch, until its answer begins. Default 30 s. */
  readonly timeoutMs?: number;
}

const defaultTimeoutMs = 30_000;
const maxRetries = 3;
/** A pause of more is for the caller to take. */
const longestPauseMs = 10_000;
const maxAnswerBytes = 256 * 1024 * 1024;

/** Sends requests: limits their time, waits as long as the API server asks for, and makes of every failure a KubernetesError. */
export class Requests {
  readonly #closing = new AbortController();

  constructor(private readonly options: RequestOptions) {
    // One for each request that is under way.
    setMaxListeners(0, this.#closing.signal);
  }

  /** Ends them all, and the pauses between them. */
  close(): void {
    this.#closing.abort();
  }

  /** @throws KubernetesError */
  async json<Answer>(request: ApiRequest): Promise<Answer> {
    return await this.#persist(request, false, async (answer) => {
      const text = await readText(answer);
      try {
        return JSON.parse(text) as Answer;
      } catch {
        const message = `${whereOf(request)} is answered with what is not JSON`;
        throw new KubernetesError({ kind: 'failed', code: answer.status, reason: undefined, message });
      }
    });
  }

  /** @throws KubernetesError when it does not begin; once it has, reading it throws the transport's errors */
  async stream(request: ApiRequest): Promise<AsyncIterable<Uint8Array>> {
    return await this.#persist(request, true, async ({ body }) => body);
  }

  async #persist<Result>(
    request: ApiRequest,
    isStream: boolean,
    read: (answer: TransportAnswer) => Promise<Result>,
  ): Promise<Result> {
    const { signal, release } = eitherOf(request.signal, this.#closing.signal);
    try {
      return await this.#repeat({ ...request, signal }, isStream, read);
    } finally {
      // A watch that has begun is ended by its caller.
      if (!isStream) release();
    }
  }

  async #repeat<Result>(
    request: ApiRequest,
    isStream: boolean,
    read: (answer: TransportAnswer) => Promise<Result>,
  ): Promise<Result> {
    for (let retry = 0; ; retry += 1) {
      try {
        return await this.#attempt(request, isStream, read);
      } catch (error) {
        if (!(error instanceof KubernetesError) || request.signal?.aborted) throw error;
        const pauseMs = retry < maxRetries ? this.#pauseBefore(error.problem, request.method, retry) : undefined;
        if (pauseMs === undefined) throw error;
        if (pauseMs > 0) await sleep(this.options.clock, pauseMs, request.signal);
      }
    }
  }

  /** Undefined: it is not repeated. */
  #pauseBefore(problem: KubernetesProblem, method: Method, retry: number): number | undefined {
    if (problem.kind === 'unauthorized' && retry === 0) {
      this.options.transport.forgetCredentials();
      return 0;
    }
    if (problem.kind !== 'busy' || problem.retryAfterMs === undefined) return undefined;
    const { code, retryAfterMs } = problem;
    // What is turned away by these two has not been begun; after another a write may have happened.
    if (method !== 'GET' && code !== 429 && code !== 503) return undefined;
    // So that those who were sent away together do not come back together.
    return retryAfterMs > longestPauseMs ? undefined : retryAfterMs * (1 + this.options.random() / 10);
  }

  async #attempt<Result>(
    request: ApiRequest,
    isStream: boolean,
    read: (answer: TransportAnswer) => Promise<Result>,
  ): Promise<Result> {
    const { transport, clock } = this.options;
    const { signal: caller, timeoutMs = this.options.timeoutMs ?? defaultTimeoutMs } = request;
    const abort = new AbortController();
    const end = () => abort.abort();
    let isLate = false;
    const timer = clock.setTimer(timeoutMs, () => {
      isLate = true;
      end();
    });
    caller?.addEventListener('abort', end, { once: true });
    if (caller?.aborted) end();
    try {
      if (this.#closing.signal.aborted) throw new Error('the client is closed');
      const answer = await transport.send({ ...wireOf(request), isStream, signal: abort.signal });
      if (answer.status >= 200 && answer.status < 300) return await read(answer);
      throw new KubernetesError(await this.#problemOf(answer, request));
    } catch (error) {
      if (error instanceof KubernetesError && !isLate) throw error;
      throw new KubernetesError(
        isLate
          ? { kind: 'timeout', message: `${whereOf(request)} had no answer within ${timeoutMs} ms` }
          : { kind: 'unreachable', message: `${whereOf(request)} has no answer: ${(error as Error).message}` },
      );
    } finally {
      timer.cancel();
      // A watch that has begun is ended by its caller alone.
      if (!isStream) caller?.removeEventListener('abort', end);
    }
  }

  async #problemOf(answer: TransportAnswer, request: ApiRequest): Promise<KubernetesProblem> {
    const text = await readText(answer);
    let status: unknown;
    try {
      status = JSON.parse(text);
    } catch {}
    const known = typeof status === 'object' && status !== null ? (status as Status) : undefined;
    return problemOfStatus(answer.status, known, whereOf(request), answer.retryAfter);
  }
}

function whereOf({ method, path }: ApiRequest): string {
  return `${method} ${path}`;
}

function wireOf({ method, path, query = {}, body, contentType = 'application/json', isList }: ApiRequest) {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined) parameters.set(name, String(value));
  const search = parameters.toString();
  return {
    method,
    isList,
    path: search === '' ? path : `${path}?${search}`,
    headers: {
      accept: 'application/json',
      'user-agent': 'inmesh',
      ...(body === undefined ? {} : { 'content-type': contentType }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  };
}

async function readText({ body }: TransportAnswer): Promise<string> {
  const pieces: Uint8Array[] = [];
  let size = 0;
  for await (const piece of body) {
    size += piece.byteLength;
    if (size > maxAnswerBytes) throw new Error('its answer is too long');
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString('utf8');
}
