import { type Clock, HeaderList, MeshError, type Reply, type Service, type SnapshotHolder } from '@inmesh/core';
import type { SimulatedRequest } from './behaviour.js';
import { SimulatedCall } from './call.js';
import { ServedRequest } from './served-request.js';

export interface SimulatedRequestInit {
  /** An http or https URL. */
  readonly url: string;
  /** Default GET. */
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** How long the caller waits, in ms from now; default for ever. */
  readonly deadlineMs?: number;
  /** After how many ms the caller goes away; default never. */
  readonly cancelAfterMs?: number;
  /** Whether the body can be sent again; default true. */
  readonly replayable?: boolean;
  /** The request that a handler makes the call for: its deadline, its end and what tiers tell each other of retries count. */
  readonly serving?: SimulatedRequest;
}

/** How a simulated call ended, body included. Times are those of the simulation's clock, in ms. */
export interface Outcome {
  /** 0 where no response came. */
  readonly status: number;
  readonly error: MeshError | undefined;
  readonly attempts: number;
  /** `ip:port` of the last endpoint. */
  readonly endpoint: string | undefined;
  readonly startedAt: number;
  readonly endedAt: number;
  header(name: string): string | undefined;
}

/** Told of every call of a client. */
export interface CallListener {
  callStarted(call: SimulatedCall): void;
  callEnded(call: SimulatedCall, outcome: Outcome): void;
}

/** Sends calls through the same filters as a service does, to the servers of the simulation. */
export class SimulatedClient {
  constructor(
    private readonly parts: {
      readonly clock: Clock;
      readonly snapshots: SnapshotHolder;
      readonly outbound: Service<SimulatedCall>;
      readonly listeners: readonly CallListener[];
    },
  ) {}

  /** Settles as the clock is advanced, and never rejects: a failure is part of the outcome. */
  send(init: SimulatedRequestInit): Promise<Outcome> {
    const { clock } = this.parts;
    const call = this.#newCall(init);
    const serving = init.serving instanceof ServedRequest ? init.serving : undefined;
    serving?.begin(call);
    for (const listener of this.parts.listeners) listener.callStarted(call);
    const leaving =
      init.cancelAfterMs === undefined
        ? undefined
        : clock.setTimer(init.cancelAfterMs, () =>
            call.cancel(new MeshError('caller_cancelled', { message: 'the caller went away' })),
          );
    return new Promise((resolve) => {
      const end = (reply: Reply | undefined, error: MeshError | undefined) => {
        leaving?.cancel();
        serving?.end(call);
        const outcome = this.#outcome(call, reply, error);
        for (const listener of this.parts.listeners) listener.callEnded(call, outcome);
        resolve(outcome);
      };
      this.parts.outbound(call).then(
        (reply) => {
          reply.onFinish((failure) => end(reply, failure));
          reply.deliver();
        },
        (error) => end(undefined, MeshError.from(error)),
      );
    });
  }

  #newCall({ url, method = 'GET', headers = {}, replayable = true, ...init }: SimulatedRequestInit): SimulatedCall {
    const { clock, snapshots } = this.parts;
    const { protocol, host, pathname, search } = new URL(url);
    const now = clock.now();
    const call = new SimulatedCall({
      scheme: protocol === 'https:' ? 'https' : 'http',
      authority: host,
      method,
      path: pathname + search,
      headers: HeaderList.of([['host', host], ...Object.entries(headers)]),
      snapshot: snapshots.current,
      startedAt: now,
      replayable,
      leavesAt: now + (init.cancelAfterMs ?? Number.POSITIVE_INFINITY),
    });
    const inherited = init.serving?.deadline ?? Number.POSITIVE_INFINITY;
    call.deadline = Math.min(now + (init.deadlineMs ?? Number.POSITIVE_INFINITY), inherited);
    call.retriesElsewhere = init.serving instanceof ServedRequest && init.serving.isRetry;
    return call;
  }

  #outcome(call: SimulatedCall, reply: Reply | undefined, error: MeshError | undefined): Outcome {
    return {
      status: reply?.httpStatus ?? 0,
      error,
      attempts: call.attempt,
      endpoint: call.endpoint?.endpoint.address,
      startedAt: call.startedAt,
      endedAt: this.parts.clock.now(),
      header: (name) => reply?.header(name),
    };
  }
}
