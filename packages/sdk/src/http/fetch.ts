import { MeshError } from '@inmesh/core';
import type { Dispatcher } from 'undici';
import type { MeshDispatcher } from './dispatcher.js';

type FetchInput = Parameters<typeof globalThis.fetch>[0];
type FetchInit = Parameters<typeof globalThis.fetch>[1];
export type MeshFetch = (input: FetchInput, init?: FetchInit) => Promise<Response>;

/**
 * Node's own fetch with the mesh below it, so that what it returns is the `Response` of the process. It rejects with the
 * MeshError itself where fetch would wrap it in «TypeError: fetch failed».
 */
export function meshFetch(dispatcher: MeshDispatcher): MeshFetch {
  return async (input, init) => {
    const through = { ...init, dispatcher: withKnownBody(dispatcher, init?.body) };
    try {
      return await globalThis.fetch(input, through as FetchInit);
    } catch (error) {
      throw MeshError.find(error) ?? error;
    }
  };
}

/**
 * fetch hands every body down as a generator that can be read once. Where the caller gave bytes or text, they are sent
 * instead, so that the request can be tried again.
 */
function withKnownBody(dispatcher: MeshDispatcher, body: unknown): Pick<Dispatcher, 'dispatch'> {
  if (typeof body !== 'string' && !ArrayBuffer.isView(body) && !(body instanceof ArrayBuffer)) return dispatcher;
  return {
    dispatch: (options, handler) =>
      dispatcher.dispatch(isGiven(options.body) ? { ...options, body: body as string } : options, handler),
  };
}

function isGiven(body: unknown): boolean {
  return body !== null && body !== undefined;
}
