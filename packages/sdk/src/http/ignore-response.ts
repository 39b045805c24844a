import type { ResponseHandler } from './response-handler.js';

/** For requests whose response nobody waits for. */
export const ignoreResponse: ResponseHandler = Object.freeze({
  onConnect() {},
  onHeaders: () => true,
  onData: () => true,
  onComplete() {},
  onError() {},
});
