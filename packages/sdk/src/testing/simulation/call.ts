import { Call, type CallInit, LocalReply, type LocalResponse, type Reply } from '@inmesh/core';
import type { SimulatedRequest } from './behaviour.js';

/** An outgoing call of a simulated client. */
export class SimulatedCall extends Call {
  readonly protocol = 'http';
  readonly replayable: boolean;
  /** Whether the last attempt reached a server: a retry of one that did not costs no budget. */
  lastAttemptSent = false;

  constructor(init: CallInit & { replayable: boolean }) {
    super(init);
    this.replayable = init.replayable;
  }

  get request(): SimulatedRequest {
    const { method, path, headers } = this;
    return { method, path, header: (name) => headers.get(name) };
  }

  canReplay(): boolean {
    return this.replayable;
  }

  respond(response: LocalResponse): Reply {
    return new LocalReply(response, () => {});
  }

  /** A copy for a mirror: nobody waits for it. */
  shadow(): SimulatedCall {
    const { scheme, authority, method, path, snapshot, startedAt, replayable } = this;
    return new SimulatedCall({
      scheme,
      authority,
      method,
      path,
      headers: this.headers.copy(),
      snapshot,
      startedAt,
      replayable,
    });
  }
}
