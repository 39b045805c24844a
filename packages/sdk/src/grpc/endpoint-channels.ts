import { isIP, isIPv4, isIPv6 } from 'node:net';
import type { ChannelCredentials, ChannelOptions, VerifyOptions } from '@grpc/grpc-js';
import {
  type CircuitBreaker,
  type Clock,
  type Cluster,
  type ClusterView,
  type EndpointState,
  MeshError,
  splitAuthority,
  type UpstreamTls,
} from '@inmesh/core';
import { endOfValidity, transportKey, transportTls, type UpstreamTlsContexts } from '../identity/upstream-tls.js';
import type { ChannelSource } from './attempt-channel.js';
import { EndpointChannel } from './endpoint-channel.js';
import type { GrpcCall } from './grpc-call.js';
import type { GrpcJs } from './grpc-js.js';

interface Slot {
  readonly channel: EndpointChannel;
  readonly breaker: CircuitBreaker;
  readonly settings: string;
  /** What TLS was made of; another one wants another connection. */
  readonly epoch: unknown;
  readonly peer: PeerCertificateEnd;
}

/** When the certificate of the server expires, on the wall clock; of its newest connection. */
interface PeerCertificateEnd {
  at: number;
}

/** Beyond it Node's timers fire at once. */
const maxTimerMs = 2 ** 31 - 1;

/**
 * One grpc-js channel for each endpoint of a cluster, scheme and priority, remade when the cluster's way of connecting
 * changes or the connection has grown too old.
 */
export class EndpointChannels implements ChannelSource {
  readonly reachesEndpoints = true;
  readonly #slots = new Map<string, Slot>();
  readonly #keysOfAddress = new Map<string, Set<string>>();
  readonly #draining = new Set<EndpointChannel>();
  #closed = false;

  constructor(
    private readonly grpc: GrpcJs,
    private readonly clock: Clock,
    /** What the caller says of connections: message sizes, keepalive, compression. */
    private readonly options: ChannelOptions,
    private readonly credentials: ChannelCredentials | undefined,
    /** Undefined: clusters that ask for TLS cannot be reached. */
    private readonly tls?: UpstreamTlsContexts | undefined,
  ) {}

  get(call: GrpcCall, breaker: CircuitBreaker): EndpointChannel {
    if (this.#closed) throw new MeshError('mesh_closed', { message: 'the channel was closed' });
    const cluster = call.cluster!;
    const { state } = call.endpoint!;
    const wanted = this.#wantedTls(call);
    const epoch = wanted && this.tls?.epoch;
    const key = keyOf(call, cluster, state, breaker);
    const settings = `${settingsKey(cluster.cluster)} ${transportKey(wanted)}`;
    const slot = this.#slots.get(key);
    if (slot !== undefined) {
      // A call that keeps an older snapshot takes what there is, and never brings the older settings back.
      const isSame = slot.settings === settings && slot.breaker === breaker;
      const isCurrent = slot.epoch === epoch && (isSame || cluster.state.newest !== cluster);
      if (isCurrent && !this.#isSpent(slot, cluster.cluster)) return slot.channel;
      this.#retire(slot.channel);
    }
    const peer = { at: Number.POSITIVE_INFINITY };
    const channel = this.#open(call, cluster.cluster, wanted, breaker, peer);
    // Of an endpoint that is gone nobody will tell again: its channel serves this call alone.
    if (state.removed) queueMicrotask(() => this.#retire(channel));
    else this.#remember(state.address, key, { channel, breaker, settings, epoch, peer });
    return channel;
  }

  /** No new calls; those under way end in peace, then the connection closes. */
  drain({ address }: EndpointState): void {
    const keys = this.#keysOfAddress.get(address) ?? [];
    this.#keysOfAddress.delete(address);
    for (const key of keys) {
      this.#retire(this.#slots.get(key)!.channel);
      this.#slots.delete(key);
    }
  }

  /** The identity is another: connections that were made with the one before take no new calls, and close after the last. */
  retire(): void {
    for (const { channel, epoch } of this.#slots.values()) {
      if (epoch !== undefined && epoch !== this.tls?.epoch) this.#retire(channel);
    }
  }

  /** Settles when every call under way has ended. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const { channel } of this.#slots.values()) this.#retire(channel);
    this.#slots.clear();
    this.#keysOfAddress.clear();
    await Promise.all([...this.#draining].map((channel) => channel.drain()));
  }

  /** Credentials that the caller has given are TLS of its own; without TLS they do not lower what the mesh asks for. */
  #wantedTls({ cluster, endpoint }: GrpcCall): UpstreamTls | undefined {
    return this.credentials?._isSecure() ? undefined : transportTls(cluster!.cluster, endpoint!.endpoint);
  }

  #open(
    call: GrpcCall,
    cluster: Cluster,
    wanted: UpstreamTls | undefined,
    breaker: CircuitBreaker,
    peer: PeerCertificateEnd,
  ): EndpointChannel {
    const { Channel } = this.grpc;
    const { state } = call.endpoint!;
    const chosen = wanted === undefined ? this.#ownCredentials(call) : this.#meshCredentials(wanted, peer);
    const isByName = wanted === undefined && call.scheme === 'https';
    const name = {
      'grpc.default_authority': call.authority,
      ...(isByName && tlsName(call.authority)),
      ...(wanted !== undefined && wanted.sni !== '' && { 'grpc.ssl_target_name_override': wanted.sni }),
    };
    const options = { ...name, ...defaults(cluster), ...this.options, ...fixed };
    return new EndpointChannel(new Channel(targetOf(state), chosen, options), breaker, this.clock);
  }

  #ownCredentials({ scheme }: GrpcCall): ChannelCredentials {
    const { credentials } = this.grpc;
    return this.credentials ?? (scheme === 'https' ? credentials.createSsl() : credentials.createInsecure());
  }

  /** @throws MeshError `not_ready` */
  #meshCredentials(wanted: UpstreamTls, peer: PeerCertificateEnd): ChannelCredentials {
    if (this.tls === undefined) throw new MeshError('not_ready', { message: 'TLS was asked for, and there is none' });
    const { secureContext, rejectUnauthorized, checkServerIdentity } = this.tls.of(wanted);
    const check: typeof checkServerIdentity = (host, certificate) => {
      peer.at = endOfValidity(certificate);
      return checkServerIdentity(host, certificate);
    };
    const verify = { rejectUnauthorized, checkServerIdentity: rejectUnauthorized ? check : checkServerIdentity };
    return this.grpc.credentials.createFromSecureContext(secureContext, verify as VerifyOptions);
  }

  #isSpent({ channel, peer }: Slot, cluster: Cluster): boolean {
    const { requests, openedAt, isSilent } = channel;
    if (this.tls !== undefined && this.tls.wallClock() >= peer.at) return true;
    const { maxRequestsPerConnection, maxConnectionDurationMs } = cluster;
    if (isSilent || requests >= maxRequestsPerConnection) return true;
    return maxConnectionDurationMs > 0 && this.clock.now() - openedAt >= maxConnectionDurationMs;
  }

  #retire(channel: EndpointChannel): void {
    this.#draining.add(channel);
    void channel.drain().then(() => this.#draining.delete(channel));
  }

  #remember(address: string, key: string, slot: Slot): void {
    this.#slots.set(key, slot);
    const keys = this.#keysOfAddress.get(address);
    if (keys === undefined) this.#keysOfAddress.set(address, new Set([key]));
    else keys.add(key);
  }
}

/** TLS is spoken with the name that was called, so calls of several names share no connection. */
function keyOf(
  { scheme, authority }: GrpcCall,
  cluster: ClusterView,
  { address }: EndpointState,
  breaker: CircuitBreaker,
): string {
  const priority = breaker === cluster.state.breaker ? 'default' : 'high';
  return `${scheme === 'https' ? authority : ''}|${priority}|${address}|${cluster.state.name}`;
}

/** grpc-js would compare the certificate with the endpoint's address, which is not what was called. */
function tlsName(authority: string): ChannelOptions {
  const { host } = splitAuthority(authority);
  return isIP(host.replace(/^\[|\]$/g, '')) > 0 ? {} : { 'grpc.ssl_target_name_override': host };
}

/** Equal for clusters whose connections are alike. */
function settingsKey({ connectionIdleTimeoutMs }: Cluster): string {
  return String(connectionIdleTimeoutMs);
}

/** The mesh resolves, balances and retries by itself; a request waits in the mesh's buffer and not in a second one. */
const fixed: ChannelOptions = Object.freeze({
  'grpc.enable_retries': 0,
  'grpc.per_rpc_retry_buffer_size': 0,
  'grpc.service_config_disable_resolution': 1,
  'grpc.use_local_subchannel_pool': 1,
});

/**
 * An endpoint that is back is found within a moment: what keeps a dead one from being tried all the time is outlier
 * detection, and not grpc-js's back-off of up to two minutes.
 */
function defaults({ connectionIdleTimeoutMs }: Cluster): ChannelOptions {
  const idle = { 'grpc.client_idle_timeout_ms': Math.min(connectionIdleTimeoutMs, maxTimerMs) };
  return {
    'grpc.enable_http_proxy': 0,
    'grpc.enable_channelz': 0,
    'grpc.initial_reconnect_backoff_ms': 100,
    'grpc.max_reconnect_backoff_ms': 1000,
    ...(connectionIdleTimeoutMs > 0 && idle),
  };
}

function targetOf({ host, port }: EndpointState): string {
  if (isIPv4(host)) return `ipv4:${host}:${port}`;
  return isIPv6(host) ? `ipv6:[${host}]:${port}` : `dns:${host}:${port}`;
}
