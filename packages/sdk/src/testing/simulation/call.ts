import { Call, type CallInit, LocalReply, type LocalResponse, type MeshErrorReason, type Reply } from '@inmesh/core';

/** What came of an attempt, and when. */
export type AttemptOutcome = { readonly attempt: number; readonly startedAt: number; readonly at: number } & (
  | { readonly kind: 'answered'; readonly status: number; header(name: string): string | undefined }
  /** The connection broke, or the attempt was given up: the server may have acted on it. */
  | { readonly kind: 'broken'; readonly reason: MeshErrorReason }
  | { readonly kind: 'refused' }
);

export interface SimulatedCallInit extends CallInit {
  readonly replayable: boolean;
  /** When the caller goes away; Infinity for never. */
  readonly leavesAt?: number;
  /** The call that a mirror copied. */
  readonly copyOf?: SimulatedCall | undefined;
}

/** An outgoing call of a simulated client. */
export class SimulatedCall extends Call {
  readonly protocol = 'http';
  readonly replayable: boolean;
  readonly leavesAt: number;
  readonly copyOf: SimulatedCall | undefined;
  /** Whether the last attempt reached a server: a retry of one that did not costs no budget. */
  lastAttemptSent = false;
  /** How many of it mirrors have made. */
  copies = 0;
  /** Undefined until the first attempt has ended. */
  lastOutcome: AttemptOutcome | undefined = undefined;

  constructor(init: SimulatedCallInit) {
    super(init);
    this.replayable = init.replayable;
    this.leavesAt = init.leavesAt ?? Number.POSITIVE_INFINITY;
    this.copyOf = init.copyOf;
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
    this.copies += 1;
    return new SimulatedCall({
      ...{ scheme, authority, method, path, snapshot, startedAt, replayable },
      headers: this.headers.copy(),
      copyOf: this,
    });
  }
}
