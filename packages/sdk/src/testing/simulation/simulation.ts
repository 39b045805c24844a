import { type ClientView, formatIssue, loadConfig } from '@inmesh/config';
import {
  emptyResources,
  type MeshResources,
  outbound,
  type Random,
  RateLimiter,
  SnapshotAssembler,
  SnapshotHolder,
} from '@inmesh/core';
import { FakeClock, seededRandom, testHash64 } from '@inmesh/core/testing';
import { decodeResources, formatResourceError } from '@inmesh/xds';
import { type CallListener, SimulatedClient } from './client.js';
import { InvariantChecker, type Violation } from './invariants.js';
import { SimulatedNetwork } from './network.js';

export interface SimulationOptions {
  /** An integer: the same seed gives the same run, to the millisecond. */
  readonly seed: number;
  /** YAML as in a configuration file, or resources in domain types. */
  readonly config?: string | MeshResources;
  /** Who calls; default: a client of the namespace `default`. */
  readonly client?: ClientView;
}

/**
 * Clients, servers, their network and its clock in one process, under a seed. Clients send through the filters that a
 * service uses; only the transport at their end is simulated. Nothing happens unless `run` lets time pass.
 */
export class Simulation {
  readonly seed: number;
  readonly clock = new FakeClock();
  /** Every random decision of the simulation is drawn from it. */
  readonly random: Random;
  readonly network: SimulatedNetwork;
  readonly snapshots: SnapshotHolder;
  readonly #assembler: SnapshotAssembler;
  readonly #client: ClientView;
  readonly #checker: InvariantChecker;
  readonly #rateLimiter: RateLimiter;

  /** @throws Error that lists everything wrong with the configuration, TypeError without a seed */
  constructor(options: SimulationOptions) {
    const { seed, config = emptyResources, client = { namespace: 'default' } } = options ?? {};
    if (!Number.isInteger(seed)) throw new TypeError('new Simulation({ seed }): seed must be an integer');
    this.seed = seed;
    this.random = seededRandom(seed);
    this.network = new SimulatedNetwork(this.clock, this.random);
    this.#client = client;
    const search = [`${client.namespace}.svc.cluster.local`, 'svc.cluster.local', 'cluster.local'];
    const { clock, random } = this;
    this.#assembler = new SnapshotAssembler({ clock, random, hash64: testHash64, searchDomains: search });
    this.#rateLimiter = new RateLimiter({ clock, random });
    this.snapshots = new SnapshotHolder(this.#assembler.assemble(emptyResources));
    this.#checker = new InvariantChecker(clock, this.snapshots);
    this.network.onAttempt((call, endpoint) => this.#checker.attemptStarted(call, endpoint));
    this.apply(config);
  }

  /** What has gone against a rule of the mesh so far; empty when all is well. See `InvariantChecker`. */
  get violations(): readonly Violation[] {
    return this.#checker.violations;
  }

  /**
   * Replaces the configuration, as a save of a file does: calls under way keep the one they began with.
   * @throws Error that lists everything wrong with it
   */
  apply(config: string | MeshResources): void {
    const resources = typeof config === 'string' ? this.#read(config) : config;
    this.snapshots.replace(this.#assembler.assemble(resources));
  }

  /** Who calls others. Clients of one simulation share what they learn and what they count, as the calls of a process do. */
  client(...listeners: CallListener[]): SimulatedClient {
    const { clock, random, snapshots, network } = this;
    const rateLimiter = this.#rateLimiter;
    return new SimulatedClient({
      clock,
      snapshots,
      outbound: outbound(network.transport, { clock, random, telemetry: [], rateLimiter }),
      listeners: [this.#checker, ...listeners],
    });
  }

  /** Lets `ms` pass; everything that is due happens in order. */
  run(ms: number): Promise<void> {
    return this.clock.advanceAsync(ms);
  }

  /** Once every call has ended: adds what should be back at zero and is not to the violations. */
  finish(): readonly Violation[] {
    this.#checker.finish();
    return this.violations;
  }

  #read(text: string): MeshResources {
    const { resources, issues } = loadConfig([{ path: 'simulation.yaml', text }], { client: this.#client });
    const errors = issues.filter(({ severity }) => severity === 'error');
    const decoded = decodeResources(resources);
    const problems = [...errors.map(formatIssue), ...decoded.errors.map(formatResourceError)];
    if (problems.length > 0) throw new Error(problems.join('\n'));
    return decoded.resources;
  }
}
