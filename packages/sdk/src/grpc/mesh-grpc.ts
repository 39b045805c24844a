import type {
  ChannelCredentials,
  ChannelInterface,
  ChannelOptions,
  ClientOptions,
  Interceptor,
  Server,
  ServerInterceptor,
} from '@grpc/grpc-js';
import { type EndpointState, MeshError, type Service } from '@inmesh/core';
import type { MeshInternals, Prepare } from '../mesh-internals.js';
import type { ClientCall } from './client-call.js';
import { EndpointChannels } from './endpoint-channels.js';
import type { GrpcCall } from './grpc-call.js';
import { loadGrpcJs } from './grpc-js.js';
import { meshInterceptor } from './interceptor.js';
import { MeshChannel } from './mesh-channel.js';
import { BufferBudget } from './message-log.js';
import { bindServer } from './server/bind-server.js';
import { type GrpcDrainOptions, GrpcServers } from './server/grpc-servers.js';
import type { GrpcHealth } from './server/health.js';
import { type GrpcServerOptions, serverInterceptor } from './server/server-interceptor.js';
import { parseTarget, xdsTarget } from './target.js';

/**
 * Channel options of grpc-js, of which those about name resolution, balancing and retries do nothing here, and the
 * credentials of the connections. `grpc.per_rpc_retry_buffer_size` (default 256 KiB) and `grpc.retry_buffer_size` (of the
 * channel, default 16 MiB) bound what is kept of requests to be sent again. A connection on which calls run out of time and
 * nothing comes for a second is replaced; streams without a deadline need `grpc.keepalive_time_ms` (default: none, as servers
 * end connections that are asked too often) to learn that their server is lost. `tcpKeepalive` does nothing here.
 */
export interface MeshChannelOptions extends ChannelOptions {
  /** Default: none, calls go in the clear; for a target with `https://`, grpc-js's own TLS. */
  readonly credentials?: ChannelCredentials;
}

/** What a generated client's constructor takes. */
export type GrpcClientConstructor<Client> = new (
  address: string,
  credentials: ChannelCredentials,
  options?: Partial<ClientOptions>,
) => Client;

interface Shared {
  readonly channels: EndpointChannels;
  readonly budget: BufferBudget;
  users: number;
}

const defaultPerCallBytes = 256 * 1024;
const defaultTotalBytes = 16 * 1024 * 1024;

/** The mesh for gRPC clients. It loads @grpc/grpc-js at its first use. */
export class MeshGrpc {
  readonly #calls = new Set<ClientCall>();
  /** By their options: channels with the same ones share their connections. */
  readonly #shared = new Map<string, Shared>();
  readonly #all = new Set<EndpointChannels>();
  readonly #servers: GrpcServers;
  #closed = false;

  constructor(
    private readonly internals: MeshInternals,
    private readonly outbound: Service<GrpcCall>,
    /** The same without what picks endpoints. */
    private readonly ownChannelOutbound: Service<GrpcCall>,
    private readonly prepare: Prepare,
  ) {
    this.#servers = new GrpcServers(internals);
  }

  /**
   * A channel of grpc-js through the mesh; a Client takes it as `channelOverride`.
   * @param target `host:port`; `dns:///` or `xds:///` before it means the same, unless the config server is asked by name (docs/bootstrap.md)
   * @throws MeshError `invalid_request` for another target, for credentials of another copy of @grpc/grpc-js, and when it is not installed
   */
  channel(target: string, channelOptions: MeshChannelOptions = {}): ChannelInterface {
    const grpc = loadGrpcJs();
    if (channelOptions instanceof grpc.ChannelCredentials) throw bareCredentials();
    const { credentials, ...options } = channelOptions;
    if (credentials !== undefined && !(credentials instanceof grpc.ChannelCredentials)) throw strangeCredentials();
    const parsed = parseTarget(target, credentials?._isSecure() === true);
    if (this.#closed) throw new MeshError('mesh_closed', { message: 'the mesh was closed' });
    const xds = xdsTarget(target);
    if (xds !== undefined) this.internals.claim?.(parsed.scheme, xds.name, xds.authority);
    const key = credentials === undefined ? keyOf(options) : undefined;
    const shared = (key === undefined ? undefined : this.#shared.get(key)) ?? this.#open(options, credentials);
    shared.users += 1;
    if (key !== undefined) this.#shared.set(key, shared);
    const { internals, outbound, prepare } = this;
    const { channels, budget } = shared;
    const context = { grpc, internals, outbound, prepare, channels, budget, target: parsed, calls: this.#calls };
    return new MeshChannel(context, () => this.#release(key, shared));
  }

  /**
   * A client of any generator (ts-proto, @grpc/proto-loader, grpc-tools) on a channel of its own through the mesh.
   * @throws MeshError `invalid_request` for what is no class of clients, and as `channel` does
   */
  client<Client>(
    Constructor: GrpcClientConstructor<Client>,
    target: string,
    clientOptions: ClientOptions & Pick<MeshChannelOptions, 'credentials'> = {},
  ): Client {
    const grpc = loadGrpcJs();
    if (typeof Constructor !== 'function') throw noClient();
    if (clientOptions instanceof grpc.ChannelCredentials) throw bareCredentials();
    const { credentials, ...options } = clientOptions;
    const channelOptions = Object.fromEntries(Object.entries(options).filter(([name]) => name.startsWith('grpc')));
    const channelOverride = this.channel(target, { ...channelOptions, ...(credentials && { credentials }) });
    return new Constructor(target, credentials ?? grpc.credentials.createInsecure(), { ...options, channelOverride });
  }

  /**
   * An interceptor for a client that keeps a channel of its own: routes' timeouts, retries, limits, faults and header changes,
   * the incoming request's deadline and trace, and telemetry apply. Where a call goes is the channel's business, so weights,
   * mirrors, balancing and outlier detection do not.
   * @param target what the client's calls are known as to the configuration, `host:port`; default: its channel's own target,
   *   for which the interceptors behind this one are made once more, with a call that is never started
   */
  interceptor(target?: string): Interceptor {
    const grpc = loadGrpcJs();
    const { internals, prepare, ownChannelOutbound: outbound } = this;
    const budget = new BufferBudget(defaultPerCallBytes, defaultTotalBytes);
    const shared = { grpc, internals, outbound, prepare, budget, calls: this.#calls };
    return meshInterceptor(shared, target === undefined ? undefined : parseTarget(target, false));
  }

  /**
   * For a server: `new Server({ interceptors: [mesh.grpc.serverInterceptor()] })`, the first of several. Its handlers run in the mesh's
   * context: calls they make carry on deadline, trace, routing headers and cancellation. Deadlines, rate limits and telemetry
   * apply to calls of all four kinds, whose messages pass untouched. Methods that the server does not have, and health
   * checks, pass it by.
   * @throws MeshError `invalid_request` when an option is wrong
   */
  serverInterceptor(options?: GrpcServerOptions): ServerInterceptor {
    return serverInterceptor(this.internals, options);
  }

  /**
   * Has a server listen behind the mesh's TLS, in the place of `bindAsync`: each connection is taken, or refused, as the
   * policies of its port say; with PERMISSIVE, TLS and plain text come by one port.
   * @param address `host:port`; port 0 for any that is free
   * @returns the port
   */
  bind(server: Server, address: string): Promise<number> {
    return bindServer(this.internals, loadGrpcJs(), server, address, () => this.#servers.healthOf(server));
  }

  /**
   * Adds the service grpc.health.v1.Health (Check, Watch, List), which gRPC probes of Kubernetes ask.
   * @param services full names, such as `shop.Reviews`; they and the server as a whole are SERVING until told otherwise
   * @throws MeshError `invalid_request` when the server has one already, and for wrong arguments
   */
  addHealth(server: Server, services: readonly string[] = []): GrpcHealth {
    return this.#servers.addHealth(server, services);
  }

  /**
   * Ends a server so that no call is lost: its health service says NOT_SERVING, new calls are answered while callers learn of
   * it, then connections are told to go elsewhere (GOAWAY) and calls under way may end; what takes longer than `graceMs` is
   * cut, and UNAVAILABLE to its client. Settles when the server is down.
   * Close the mesh after it, since handlers may still make calls.
   * @throws MeshError `invalid_request` for what is no server, and when an option is wrong or unknown
   */
  async drainServer(server: Server, options: GrpcDrainOptions = {}): Promise<void> {
    return this.#servers.drain(server, options);
  }

  /** For the mesh: no new calls to this address. */
  drain(endpoint: EndpointState): void {
    for (const channels of this.#all) channels.drain(endpoint);
  }

  /** For the mesh: the identity is another. */
  retire(): void {
    for (const channels of this.#all) channels.retire();
  }

  /** For the mesh: settles when every call under way has ended. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#all].map((channels) => channels.close()));
  }

  /** For the mesh: ends calls under way. */
  async destroy(): Promise<void> {
    for (const call of this.#calls) call.cancel(new MeshError('mesh_closed', { message: 'the mesh was closed' }));
    await this.close();
  }

  #open(options: ChannelOptions, credentials: ChannelCredentials | undefined): Shared {
    const { clock, upstreamTls } = this.internals;
    const channels = new EndpointChannels(loadGrpcJs(), clock, options, credentials, upstreamTls);
    this.#all.add(channels);
    const perCall = options['grpc.per_rpc_retry_buffer_size'] ?? defaultPerCallBytes;
    const total = options['grpc.retry_buffer_size'] ?? defaultTotalBytes;
    return { channels, budget: new BufferBudget(perCall, total), users: 0 };
  }

  #release(key: string | undefined, shared: Shared): void {
    shared.users -= 1;
    if (shared.users > 0) return;
    if (key !== undefined) this.#shared.delete(key);
    void shared.channels.close().then(() => this.#all.delete(shared.channels));
  }
}

function noClient(): MeshError {
  return new MeshError('invalid_request', {
    message: 'mesh.grpc.client: the first argument is no class of clients',
    hint: 'give the generated client of a service, and not its package: mesh.grpc.client(demo.Echo, "echo:9080")',
  });
}

/** Where grpc-js takes them; taken for options they would be lost, and calls go in the clear. */
function bareCredentials(): MeshError {
  return new MeshError('invalid_request', {
    message: 'credentials are one of the options',
    hint: 'give { credentials }, as in mesh.grpc.client(Echo, "echo:9080", { credentials })',
  });
}

/** grpc-js would say so at each call. */
function strangeCredentials(): MeshError {
  return new MeshError('invalid_request', {
    message: 'credentials: not made by the @grpc/grpc-js that the mesh has loaded',
    hint: 'there are two copies of it, or another value was given: see npm ls @grpc/grpc-js',
  });
}

/** Undefined where options hold what no text tells apart. */
function keyOf(options: ChannelOptions): string | undefined {
  const entries = Object.entries(options).sort(([a], [b]) => (a < b ? -1 : 1));
  const isPlain = entries.every(([, value]) => typeof value !== 'object' && typeof value !== 'function');
  return isPlain ? JSON.stringify(entries) : undefined;
}
