import { Call, type CallInit, LocalReply, type LocalResponse, type Reply } from '@inmesh/core';
import type { Dispatcher } from 'undici';
import { BodyTap } from './body-tap.js';
import type { HttpAttempt } from './http-attempt.js';
import { ignoreResponse } from './ignore-response.js';
import { writeLocalResponse } from './local-response.js';
import { type RequestBody, requestBody } from './request-body.js';
import type { ResponseHandler } from './response-handler.js';

/** An outgoing HTTP request: what undici was asked for, and who waits for the answer. */
export class HttpCall extends Call {
  readonly protocol: 'http' | 'grpc';
  readonly options: Dispatcher.DispatchOptions;
  readonly body: RequestBody;
  readonly handler: ResponseHandler;
  /** Where the chunks of the body go as well; undefined while no copy of the call wants them. */
  bodyTap: BodyTap | undefined = undefined;
  /** The attempt that was made last. */
  currentAttempt: HttpAttempt | undefined = undefined;

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

  /** A connection that is to be upgraded cannot be had twice. */
  shadow(): HttpCall | undefined {
    const { scheme, authority, method, path, snapshot, startedAt, options } = this;
    if (options.upgrade || method === 'CONNECT') return undefined;
    const headers = this.headers.copy();
    const body = this.#shadowBody();
    const handler = ignoreResponse;
    return new HttpCall({ scheme, authority, method, path, headers, snapshot, startedAt, options, body, handler });
  }

  /** Bytes and text are sent twice as they are. */
  #shadowBody(): RequestBody {
    if (this.body.rereadable) return this.body;
    this.bodyTap ??= new BodyTap();
    return requestBody(this.bodyTap.copy());
  }

  respond(response: LocalResponse): Reply {
    return new LocalReply(response, (status, headers, body) => {
      this.body.leaveUnread();
      writeLocalResponse(this, status, headers, body);
    });
  }
}
