import type { Server } from '@grpc/grpc-js';
import { type Clock, MeshError } from '@inmesh/core';
import type { MeshInternals } from '../../mesh-internals.js';
import { requireNames, requireOptions, requireServer } from './check-arguments.js';
import { forceShutdown } from './force-shutdown.js';
import { GrpcHealth } from './health.js';

export interface GrpcDrainOptions {
  /**
   * How long, in ms, new calls are still answered after the health service has said NOT_SERVING, so that the callers can learn
   * that the endpoint is gone. Default 300.
   */
  readonly withdrawMs?: number;
  /** How long, in ms, calls under way may take after that; then they are cut, and UNAVAILABLE to their clients. Default 10 000. */
  readonly graceMs?: number;
}

const drainOptions = ['withdrawMs', 'graceMs'] as const satisfies readonly (keyof GrpcDrainOptions)[];

/** The grpc-js servers that this process has told the mesh of. */
export class GrpcServers {
  readonly #health = new WeakMap<Server, GrpcHealth>();
  readonly #drained = new WeakMap<Server, Promise<void>>();

  constructor(private readonly internals: Pick<MeshInternals, 'clock' | 'logger'>) {}

  addHealth(server: Server, services: readonly string[]): GrpcHealth {
    requireServer('addHealth', server);
    requireNames(services);
    const health = new GrpcHealth(services);
    health.addTo(server);
    this.#health.set(server, health);
    return health;
  }

  healthOf(server: Server): GrpcHealth | undefined {
    return this.#health.get(server);
  }

  /** Draining twice is draining once. */
  drain(server: Server, options: GrpcDrainOptions): Promise<void> {
    requireServer('drainServer', server);
    requireOptions('drainServer', options, drainOptions);
    const { withdrawMs = 300, graceMs = 10_000 } = options;
    requireTime('withdrawMs', withdrawMs);
    requireTime('graceMs', graceMs);
    const known = this.#drained.get(server);
    if (known !== undefined) return known;
    const drained = this.#drain(server, withdrawMs, graceMs);
    this.#drained.set(server, drained);
    return drained;
  }

  async #drain(server: Server, withdrawMs: number, graceMs: number): Promise<void> {
    const { clock, logger } = this.internals;
    const health = this.#health.get(server);
    health?.shutDown();
    await passed(clock, withdrawMs);
    health?.endWatches();
    await new Promise<void>((resolve) => {
      const timer = clock.setTimer(graceMs, () => {
        logger.warn('a gRPC server has calls under way after its grace time; they are ended', { graceMs });
        forceShutdown(server);
        resolve();
      });
      // Says GOAWAY on every connection, and calls back once the last call has ended.
      server.tryShutdown(() => {
        timer.cancel();
        resolve();
      });
    });
  }
}

function passed(clock: Clock, delayMs: number): Promise<void> {
  return new Promise((resolve) => void clock.setTimer(delayMs, resolve));
}

function requireTime(name: string, value: number): void {
  if (value >= 0 && value < 2 ** 31) return;
  throw new MeshError('invalid_request', { message: `${name}: ${value} is not a time in ms from 0 to 2^31-1` });
}
