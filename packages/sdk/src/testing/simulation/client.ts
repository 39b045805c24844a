import { type Clock, HeaderList, MeshError, type Reply, type Service, type SnapshotHolder } from '@inmesh/core';
import { SimulatedCall } from './call.js';

export interface SimulatedRequestInit {
  /** An http or https URL. */
  readonly url: string;
  /** Default GET. */
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** How long the caller waits, in ms from now; default for ever. */
  readonly deadlineMs?: number;
  /** Whether the body can be sent again; default true. */
  readonly replayable?: boolean;
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
    const call = this.#newCall(init);
    for (const listener of this.parts.listeners) listener.callStarted(call);
    return new Promise((resolve) => {
      const end = (reply: Reply | undefined, error: MeshError | undefined) => {
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

  #newCall({ url, method = 'GET', headers = {}, deadlineMs, replayable = true }: SimulatedRequestInit): SimulatedCall {
    const { clock, snapshots } = this.parts;
    const { protocol, host, pathname, search } = new URL(url);
    const call = new SimulatedCall({
      scheme: protocol === 'https:' ? 'https' : 'http',
      authority: host,
      method,
      path: pathname + search,
      headers: HeaderList.of([['host', host], ...Object.entries(headers)]),
      snapshot: snapshots.current,
      startedAt: clock.now(),
      replayable,
    });
    if (deadlineMs !== undefined) call.deadline = clock.now() + deadlineMs;
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
