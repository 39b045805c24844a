import { type Clock, type EndpointView, MeshError, type Random, type Reply, type Service } from '@inmesh/core';
import { SimulatedAttempt } from './attempt.js';
import type { Behaviour } from './behaviour.js';
import type { SimulatedCall } from './call.js';
import { checkAddress, checkBehaviour } from './check-behaviour.js';

/** One server of the simulated network; its behaviour may be changed at any time and counts for requests from then on. */
export class SimulatedServer {
  #behaviour: Behaviour;
  /** Requests that reached it. */
  requests = 0;

  constructor(
    readonly address: string,
    behaviour: Behaviour,
  ) {
    this.#behaviour = checkBehaviour(behaviour);
  }

  get behaviour(): Behaviour {
    return this.#behaviour;
  }

  /** @throws TypeError when it is none */
  set behaviour(behaviour: Behaviour) {
    this.#behaviour = checkBehaviour(behaviour);
  }
}

/** Told of every attempt as it leaves, when its endpoint is known. */
export type AttemptListener = (call: SimulatedCall, endpoint: EndpointView) => void;

/** All servers of a simulation by address, and the transport that reaches them. */
export class SimulatedNetwork {
  readonly #servers = new Map<string, SimulatedServer>();
  readonly #listeners: AttemptListener[] = [];

  constructor(
    private readonly clock: Clock,
    private readonly random: Random,
  ) {}

  /**
   * A server at `ip:port`; by default it answers 200 at once.
   * @throws Error when the address is taken, TypeError when it is none
   */
  listen(address: string, behaviour: Behaviour = { kind: 'answer' }): SimulatedServer {
    checkAddress(address);
    if (this.#servers.has(address)) throw new Error(`there is already a server at ${address}`);
    const server = new SimulatedServer(address, behaviour);
    this.#servers.set(address, server);
    return server;
  }

  server(address: string): SimulatedServer | undefined {
    return this.#servers.get(address);
  }

  onAttempt(listener: AttemptListener): void {
    this.#listeners.push(listener);
  }

  /** The end of the outbound walk. */
  readonly transport: Service<SimulatedCall> = (call) =>
    new Promise<Reply>((resolve, reject) => {
      if (call.cancelled !== undefined) {
        reject(call.cancelled);
        return;
      }
      const endpoint = call.endpoint!;
      for (const listener of this.#listeners) listener(call, endpoint);
      const server = this.#servers.get(endpoint.endpoint.address);
      call.lastAttemptSent = server !== undefined && server.behaviour.kind !== 'refuse';
      if (server === undefined || server.behaviour.kind === 'refuse') {
        const now = this.clock.now();
        call.lastOutcome = { kind: 'refused', attempt: call.attempt, startedAt: now, at: now };
        reject(new MeshError('upstream_connection_failure', { message: 'connection refused' }));
        return;
      }
      server.requests += 1;
      new SimulatedAttempt(call, { clock: this.clock, random: this.random, resolve, reject }).start(server.behaviour);
    });
}
