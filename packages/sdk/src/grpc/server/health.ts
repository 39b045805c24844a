import type { handleUnaryCall, Server, ServerWritableStream } from '@grpc/grpc-js';
import { MeshError } from '@inmesh/core';
import {
  decodeRequest,
  encodeStatus,
  encodeStatuses,
  type HealthRequest,
  type ServingStatus,
} from './health-messages.js';
import { HealthWatch } from './health-watch.js';

/** What a service may be set to; what was never set is `SERVICE_UNKNOWN` to those who ask. */
export type HealthStatus = Exclude<ServingStatus, 'SERVICE_UNKNOWN'>;

const notFound = 5;
/** The name that stands for the server as a whole, which probes ask for when they name no service. */
const wholeServer = '';

/** The service grpc.health.v1.Health of one server (gRPC health checking protocol). */
export class GrpcHealth {
  readonly #statuses = new Map<string, HealthStatus>();
  readonly #watches = new Set<HealthWatch>();
  #isDown = false;

  /** @param services full names, such as `shop.Reviews`; they and the server as a whole are SERVING from the start */
  constructor(services: readonly string[]) {
    for (const service of [wholeServer, ...services]) this.#statuses.set(service, 'SERVING');
  }

  /**
   * Tells those who ask and those who watch. Once the server is drained it is NOT_SERVING for good.
   * @param service `package.Service`; empty: the server as a whole
   */
  setStatus(service: string, status: HealthStatus): void {
    if (this.#isDown) return;
    this.#set(service, status);
  }

  /** Undefined: it was never set. */
  statusOf(service: string): HealthStatus | undefined {
    return this.#statuses.get(service);
  }

  /** For the mesh: every service is NOT_SERVING from here on. */
  shutDown(): void {
    this.#isDown = true;
    for (const service of this.#statuses.keys()) this.#set(service, 'NOT_SERVING');
  }

  /** For the mesh: watches last as long as their clients like, and would hold up a server that waits for its last call. */
  endWatches(): void {
    for (const watch of this.#watches) watch.end();
    this.#watches.clear();
  }

  /** For the mesh. */
  addTo(server: Server): void {
    const check: handleUnaryCall<HealthRequest, ServingStatus> = ({ request: { service } }, callback) => {
      const status = this.statusOf(service);
      if (status === undefined)
        callback({ code: notFound, details: `service ${JSON.stringify(service)} is not known` });
      else callback(null, status);
    };
    const list: handleUnaryCall<HealthRequest, ReadonlyMap<string, ServingStatus>> = (_call, callback) =>
      callback(null, this.#statuses);
    const added = [
      server.register(pathOf('Check'), check, encodeStatus, decodeRequest, 'unary'),
      server.register(
        pathOf('Watch'),
        (stream: ServerWritableStream<HealthRequest, ServingStatus>) => this.#watch(stream),
        encodeStatus,
        decodeRequest,
        'serverStream',
      ),
      server.register(pathOf('List'), list, encodeStatuses, decodeRequest, 'unary'),
    ];
    if (!added.every(Boolean)) {
      throw new MeshError('invalid_request', { message: 'the server has a health service already' });
    }
  }

  #watch(stream: ServerWritableStream<HealthRequest, ServingStatus>): void {
    const watch = new HealthWatch(stream);
    this.#watches.add(watch);
    stream.on('cancelled', () => this.#watches.delete(watch));
    watch.tell(this.#statuses.get(watch.service) ?? 'SERVICE_UNKNOWN');
  }

  #set(service: string, status: HealthStatus): void {
    if (this.#statuses.get(service) === status) return;
    this.#statuses.set(service, status);
    for (const watch of this.#watches) if (watch.service === service) watch.tell(status);
  }
}

function pathOf(method: string): string {
  return `/grpc.health.v1.Health/${method}`;
}
