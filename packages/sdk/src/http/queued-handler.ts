import type { ResponseHandler } from './response-handler.js';

/** A request that may have been given up before its turn comes. */
export interface QueuedHandler extends ResponseHandler {
  readonly isOver: boolean;
}
