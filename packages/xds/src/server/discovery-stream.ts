import { type ServerDuplexStream, status } from '@grpc/grpc-js';
import type { Logger } from '../logger.js';
import type { Node } from '../messages.js';
import { type ServedKind, servedKindOf, typeUrls } from '../resources/type-urls.js';
import type { ClientStatus, ResourceStatus } from './client-status.js';
import type { SecretSource, SecretView } from './own-secrets.js';
import type { PrivateSecrets } from './private-secrets.js';
import type { SnapshotSource } from './snapshot-cache.js';
import { type PendingResponse, type Phase, TypeChannel } from './type-channel.js';
import type { TypeRequest, Variant } from './variant.js';
import type { VersionedResource, VersionedSnapshot, VersionedType } from './versioned-snapshot.js';

/**
 * Make before break: whatever a route may go to arrives before the route, and what went away leaves when nothing goes to
 * it any more.
 */
const sendingOrder: readonly (readonly [ServedKind, Phase])[] = [
  ['cluster', 'updates'],
  ['endpoint', 'updates'],
  ['secret', 'updates'],
  ['listener', 'updates'],
  ['route', 'updates'],
  ['listener', 'removals'],
  ['route', 'removals'],
  ['cluster', 'removals'],
  ['endpoint', 'removals'],
  ['secret', 'removals'],
];

/**
 * What a client may subscribe to by name on one stream; the bound is against clients that make names up. Listeners may have to
 * be made for their names, each time that something changes.
 */
const maxNames = (kind: ServedKind) => (kind === 'listener' ? 10_000 : 200_000);

/** Types that are not served and were logged, on one stream. */
const maxReported = 16;

/** What a client has proved about itself. */
export interface Admission {
  /** The node that it is taken for, whatever it says. */
  admit(claimed: Node | undefined): Node;
}

export interface DiscoveryStreamOptions<Request, Response> {
  readonly call: Pick<ServerDuplexStream<Request, Response>, 'write' | 'end' | 'emit' | 'cancelled' | 'writableEnded'>;
  readonly variant: Variant<Request, Response>;
  /** The one type of a stream that is not aggregated: its requests need not name it. */
  readonly service: 'ads' | ServedKind;
  readonly cache: SnapshotSource;
  readonly logger: Logger;
  /** Where the client is: `address:port`. */
  readonly peer: string;
  readonly secrets: PrivateSecrets;
  /** Undefined: nobody has asked the client who it is. */
  readonly admission?: Admission | undefined;
  /** Of what is made for this client alone. Default: nothing is. */
  readonly ownSecrets?: SecretSource | undefined;
  /** Called when there is something new among it: `send` is due, though not within the call. */
  readonly onOwnSecrets?: (() => void) | undefined;
  readonly now: () => number;
  /** What each response tells of the server. Default: nothing. */
  readonly identifier?: (() => string | undefined) | undefined;
  /** For clients that know lifetimes. */
  readonly ttlMs?: number | undefined;
}

/** One stream of one client, of either variant. */
export class DiscoveryStream<Request, Response> {
  readonly #options: DiscoveryStreamOptions<Request, Response>;
  readonly #channels = new Map<ServedKind, TypeChannel>();
  readonly #unknownTypes = new Set<string>();
  readonly #connectedAtMs: number;
  readonly #own: SecretView | undefined;
  #node: Node | undefined;
  #isWriting = false;

  constructor(options: DiscoveryStreamOptions<Request, Response>) {
    this.#options = options;
    this.#connectedAtMs = options.now();
    this.#own = options.ownSecrets?.open(() => options.onOwnSecrets?.());
  }

  get node(): Node | undefined {
    return this.#node;
  }

  get status(): ClientStatus {
    const { service, variant, peer } = this.#options;
    return {
      nodeId: this.#node?.id ?? '',
      nodeCluster: this.#node?.cluster ?? '',
      peer,
      connectedAtMs: this.#connectedAtMs,
      service,
      variant: variant.isIncremental ? 'incremental' : 'state of the world',
      types: [...this.#channels.values()].filter(({ isAsked }) => isAsked).map((channel) => channel.status),
    };
  }

  /** Everything that the client has subscribed to. */
  resources(): ResourceStatus[] {
    const current = this.#options.cache.snapshotFor(this.#node);
    if (current === undefined) return [];
    return [...this.#channels].flatMap(([kind, channel]) => {
      const type = this.#typeOf(kind, current);
      return type === undefined ? [] : channel.resources(type);
    });
  }

  receive(message: Request): void {
    this.#guard(() => this.#receive(message));
  }

  #receive(message: Request): void {
    const { variant, service, admission } = this.#options;
    const request = variant.read(message);
    // Only the first request of a stream has to carry it.
    this.#node ??= admission === undefined ? request.node : admission.admit(request.node);
    const typeUrl = request.typeUrl === '' && service !== 'ads' ? typeUrls[service] : request.typeUrl;
    const kind = servedKindOf(typeUrl);
    if (typeUrl === '') this.#fail(status.INVALID_ARGUMENT, 'type_url is missing');
    else if (service !== 'ads' && kind !== service) {
      this.#fail(status.INVALID_ARGUMENT, `type_url is "${typeUrl}", and this service has "${typeUrls[service]}" only`);
    } else if (kind === undefined) this.#reportUnknown(typeUrl);
    else this.#receiveKnown(kind, request);
  }

  /**
   * Writes what is due, one response at a time: the next is made of the snapshot that is current when the one before has
   * left. A slow client thus skips snapshots, and nothing piles up for it.
   */
  send(): void {
    this.#guard(() => this.#send());
  }

  #send(): void {
    const { call, variant, identifier } = this.#options;
    if (this.#isWriting || call.cancelled || call.writableEnded) return;
    const pending = this.#nextResponse();
    if (pending === undefined) return;
    this.#isWriting = true;
    call.write(variant.write(pending.response, identifier?.()), () => {
      this.#isWriting = false;
      this.send();
    });
  }

  /** Prolongs the life of all that the client has. */
  sendHeartbeats(): void {
    for (const channel of this.#channels.values()) channel.requireHeartbeat();
    this.send();
  }

  end(): void {
    this.release();
    this.#options.call.end();
  }

  /** Nothing is made for this client any more. */
  release(): void {
    this.#own?.close();
  }

  #receiveKnown(kind: ServedKind, request: TypeRequest): void {
    const { logger, now } = this.#options;
    const channel = this.#channel(kind);
    const nack = channel.accept(request, now());
    if (nack !== undefined) {
      logger.warn('a client refused its configuration', { nodeId: this.#node?.id, typeUrl: typeUrls[kind], ...nack });
    }
    if (channel.nameCount > maxNames(kind)) {
      this.#fail(status.RESOURCE_EXHAUSTED, `more than ${maxNames(kind)} names of "${typeUrls[kind]}" are subscribed`);
    } else this.send();
  }

  #channel(kind: ServedKind): TypeChannel {
    let channel = this.#channels.get(kind);
    if (channel === undefined) {
      const { isIncremental } = this.#options.variant;
      channel = new TypeChannel({ kind, isIncremental, ttlMs: this.#ttlMs(isIncremental) });
      this.#channels.set(kind, channel);
    }
    return channel;
  }

  /** In the state of the world a lifetime comes in a wrapper, which clients need not know either. */
  #ttlMs(isIncremental: boolean): number | undefined {
    const features = this.#node?.clientFeatures ?? [];
    const needed = ['xds.config.supports-resource-ttl', ...(isIncremental ? [] : ['xds.config.resource-in-sotw'])];
    return needed.every((feature) => features.includes(feature)) ? this.#options.ttlMs : undefined;
  }

  /** What the client may see of a type. Undefined: it is to wait. */
  #typeOf(kind: ServedKind, current: VersionedSnapshot): VersionedType | undefined {
    if (kind !== 'secret') return current[kind];
    const wants = (name: string) => this.#channel(kind).wants(name);
    const listed = this.#listedSecrets(current.secret, wants);
    return this.#own === undefined ? listed : this.#own.look(wants)?.over(listed);
  }

  #listedSecrets(all: VersionedType, wants: (name: string) => boolean): VersionedType {
    const { peer, secrets, admission } = this.#options;
    // Its snapshot has the secrets of the namespace that it has proved, and of no other.
    if (admission !== undefined) return all;
    secrets.report(peer, this.#node?.id, all, wants);
    return secrets.visibleFrom(peer, all);
  }

  #nextResponse(): PendingResponse | undefined {
    const current = this.#options.cache.snapshotFor(this.#node);
    if (current === undefined) return undefined;
    for (const [kind, phase] of sendingOrder) {
      if (kind === 'listener' && this.#isWarming) return undefined;
      const channel = this.#channels.get(kind);
      const type = channel && this.#typeOf(kind, current);
      const pending = type && channel.next(type, phase, this.#isUsed);
      if (pending === undefined) continue;
      this.#refreshReferences(pending);
      return pending;
    }
    return this.#nextHeartbeat(current);
  }

  /**
   * Envoy uses routes at once, whether it has their clusters or not, and answers for clusters when it has their endpoints
   * (`ClusterManagerImpl::updateClusterCounts`): until then nothing is sent that may lead to them. Other clients wait by
   * themselves.
   */
  get #isWarming(): boolean {
    return this.#node?.userAgentName === 'envoy' && (this.#channels.get('cluster')?.isAwaitingAnswer ?? false);
  }

  /**
   * A cluster without its endpoints warms, and no call goes by it. One that is gone by then would never have them, and Envoy
   * answers for no cluster while it waits (15 s, `initial_fetch_timeout`).
   */
  readonly #isUsed = ({ references }: VersionedResource): boolean => {
    const endpoints = this.#channels.get('endpoint');
    if (endpoints === undefined || !endpoints.isAsked) return true;
    return references.every(({ kind, name }) => kind !== 'endpoint' || endpoints.has(name));
  };

  #nextHeartbeat(current: VersionedSnapshot): PendingResponse | undefined {
    for (const [kind, channel] of this.#channels) {
      const type = this.#typeOf(kind, current);
      const pending = type && channel.nextHeartbeat(type);
      if (pending !== undefined) return pending;
    }
    return undefined;
  }

  /** Envoy holds a changed cluster or listener back until its endpoints or routes come once more, changed or not. */
  #refreshReferences({ updated }: PendingResponse): void {
    if (this.#options.service !== 'ads') return;
    for (const { references } of updated) {
      for (const { kind, name } of references) this.#channel(kind).refresh(name);
    }
  }

  #reportUnknown(typeUrl: string): void {
    if (this.#unknownTypes.has(typeUrl) || this.#unknownTypes.size >= maxReported) return;
    this.#unknownTypes.add(typeUrl);
    this.#options.logger.warn('a client asks for a type that is not served', { nodeId: this.#node?.id, typeUrl });
  }

  /** What is thrown would end the process, and with it the streams of all other clients. */
  #guard(act: () => void): void {
    try {
      act();
    } catch (error) {
      const { message } = error as Error;
      this.#options.logger.error('a stream ends because it cannot be served', { nodeId: this.#node?.id, message });
      this.#fail(status.INTERNAL, 'the config server cannot serve this stream: its log says why');
    }
  }

  #fail(code: status, details: string): void {
    this.#options.call.emit('error', { code, details });
  }
}
