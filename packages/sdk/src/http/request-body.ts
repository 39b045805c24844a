import type { Dispatcher } from 'undici';

type Body = Dispatcher.DispatchOptions['body'];

/**
 * A request body and whether it can be sent once more. Bytes, strings, forms and blobs can, always; a stream or an iterable
 * only while nothing has been read from it.
 */
export interface RequestBody {
  readonly body: Body;
  canReplay(): boolean;
}

const always = () => true;
const noBody: RequestBody = Object.freeze({ body: null, canReplay: always });

export function requestBody(body: unknown): RequestBody {
  if (body === null || body === undefined) return noBody;
  if (typeof body !== 'object' || ArrayBuffer.isView(body) || body instanceof ArrayBuffer) return replayable(body);
  if (isReadable(body)) return { body: body as Body, canReplay: () => !body.readableDidRead && !body.destroyed };
  if (Symbol.asyncIterator in body || (Symbol.iterator in body && !isForm(body))) return onceOnly(body as AnyIterable);
  return replayable(body);
}

function replayable(body: unknown): RequestBody {
  return { body: body as Body, canReplay: always };
}

interface ReadableLike {
  readonly readableDidRead: boolean;
  readonly destroyed: boolean;
}

function isReadable(body: object): body is ReadableLike {
  return 'pipe' in body && typeof body.pipe === 'function' && 'readableDidRead' in body;
}

function isForm(body: object): boolean {
  return typeof FormData === 'function' && body instanceof FormData;
}

type AnyIterable = AsyncIterable<unknown> | Iterable<unknown>;

function onceOnly(source: AnyIterable): RequestBody {
  let begun = false;
  const body = {
    [Symbol.asyncIterator]() {
      begun = true;
      return Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : toAsync(source);
    },
  };
  return { body: body as unknown as Body, canReplay: () => !begun };
}

async function* toAsync(source: Iterable<unknown>): AsyncGenerator<unknown> {
  yield* source;
}
