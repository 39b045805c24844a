import type { Dispatcher } from 'undici';

type Body = Dispatcher.DispatchOptions['body'];

/**
 * A request body and whether it can be sent once more. Bytes, strings, forms and blobs can, always; a stream or an iterable
 * only while nothing has been read from it.
 */
export interface RequestBody {
  readonly body: Body;
  canReplay(): boolean;
  /** What the caller's stream or iterable itself failed with; undefined while it has not. */
  error(): Error | undefined;
  /** False for a stream or an iterable: reading it uses it up. */
  readonly rereadable: boolean;
  /** No attempt will read it: a stream runs dry, as with a server that answers early, and closes what it reads from. */
  leaveUnread(): void;
}

const always = () => true;
const never = () => false;
const noError = () => undefined;
const nothing = () => {};
const noBody: RequestBody = Object.freeze({
  body: null,
  canReplay: always,
  error: noError,
  rereadable: true,
  leaveUnread: nothing,
});

export function requestBody(body: unknown): RequestBody {
  if (body === null || body === undefined) return noBody;
  if (typeof body !== 'object' || ArrayBuffer.isView(body) || body instanceof ArrayBuffer) return replayable(body);
  if (isStream(body)) return stream(body);
  if (Symbol.asyncIterator in body || (Symbol.iterator in body && !isForm(body))) return onceOnly(body as AnyIterable);
  return replayable(body);
}

function replayable(body: unknown): RequestBody {
  return { body: body as Body, canReplay: always, error: noError, rereadable: true, leaveUnread: nothing };
}

interface StreamLike {
  on(event: 'error', listener: (error: Error) => void): unknown;
  resume?(): unknown;
  /** Absent on streams of the oldest kind (the package form-data makes them), which cannot tell. */
  readonly readableDidRead?: boolean;
  readonly destroyed?: boolean;
}

/** As undici tells streams. */
function isStream(body: object): body is StreamLike {
  return 'pipe' in body && typeof body.pipe === 'function' && 'on' in body && typeof body.on === 'function';
}

function stream(source: StreamLike): RequestBody {
  let failure: Error | undefined;
  // Heard before undici hears it. undici destroys the body of a broken connection too, but tells of that one first.
  source.on('error', (error) => {
    failure ??= error;
  });
  const canReplay =
    source.readableDidRead === undefined ? never : () => !source.readableDidRead && source.destroyed !== true;
  const leaveUnread = () => void source.resume?.();
  return { body: source as unknown as Body, canReplay, error: () => failure, rereadable: false, leaveUnread };
}

/** As undici tells forms: its own are of another class than Node's. */
function isForm(body: object): boolean {
  return (body as { [Symbol.toStringTag]?: string })[Symbol.toStringTag] === 'FormData';
}

type AnyIterable = AsyncIterable<unknown> | Iterable<unknown>;

function onceOnly(source: AnyIterable): RequestBody {
  let begun = false;
  let failure: Error | undefined;
  const body = {
    async *[Symbol.asyncIterator]() {
      begun = true;
      try {
        yield* source;
      } catch (error) {
        failure = error instanceof Error ? error : new Error('the request body failed', { cause: error });
        throw error;
      }
    },
  };
  const canReplay = () => !begun;
  // What has not begun holds nothing that an end would free.
  return {
    body: body as unknown as Body,
    canReplay,
    error: () => failure,
    rereadable: false,
    leaveUnread: nothing,
  };
}
