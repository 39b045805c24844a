import { Call, type CallInit, LocalReply, type LocalResponse, type Reply } from '@inmesh/core';
import type { Dispatcher } from 'undici';
import { writeLocalResponse } from './local-response.js';
import type { RequestBody } from './request-body.js';
import type { ResponseHandler } from './response-handler.js';

/** An outgoing HTTP request: what undici was asked for, and who waits for the answer. */
export class HttpCall extends Call {
  readonly protocol: 'http' | 'grpc';
  readonly options: Dispatcher.DispatchOptions;
  readonly body: RequestBody;
  readonly handler: ResponseHandler;

  constructor(
    init: CallInit & {
      options: Dispatcher.DispatchOptions;
      body: RequestBody;
      handler: ResponseHandler;
    },
  ) {
    super(init);
    this.protocol = 'http';
    this.options = init.options;
    this.body = init.body;
    this.handler = init.handler;
  }

  canReplay(): boolean {
    return this.body.canReplay();
  }

  respond(response: LocalResponse): Reply {
    return new LocalReply(response, (status, headers, body) => writeLocalResponse(this.handler, status, headers, body));
  }
}
