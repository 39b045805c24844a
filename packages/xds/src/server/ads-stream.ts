import { type ServerDuplexStream, status } from '@grpc/grpc-js';
import type { Logger } from '../logger.js';
import type { DiscoveryRequest, DiscoveryResponse, Node } from '../messages.js';
import { kindOf, type ResourceKind } from '../resources/type-urls.js';
import type { ClientStatus } from './client-status.js';
import type { SnapshotSource } from './snapshot-cache.js';
import { type PendingResponse, type Phase, SotwChannel } from './sotw-channel.js';

/**
 * Make before break: whatever a route may go to arrives before the route, and clusters that went away leave after it. For
 * a moment clusters therefore stand twice in this list: first with the old ones kept, last without them.
 */
const sendingOrder: readonly (readonly [ResourceKind, Phase])[] = [
  ['cluster', 'updates'],
  ['endpoint', 'updates'],
  ['listener', 'updates'],
  ['route', 'updates'],
  ['cluster', 'removals'],
];

/** One stream of one client. */
export class AdsStream {
  readonly #channels = new Map<ResourceKind, SotwChannel>();
  readonly #unknownTypes = new Set<string>();
  readonly #connectedAtMs: number;
  #node: Node | undefined;
  #isWriting = false;

  constructor(
    private readonly call: ServerDuplexStream<DiscoveryRequest, DiscoveryResponse>,
    private readonly cache: SnapshotSource,
    private readonly logger: Logger,
    private readonly now: () => number,
  ) {
    this.#connectedAtMs = now();
  }

  get status(): ClientStatus {
    return {
      nodeId: this.#node?.id ?? '',
      nodeCluster: this.#node?.cluster ?? '',
      connectedAtMs: this.#connectedAtMs,
      types: [...this.#channels.values()].map((channel) => channel.status),
    };
  }

  receive(request: DiscoveryRequest): void {
    // Only the first request of a stream has to carry it.
    this.#node ??= request.node;
    const { typeUrl } = request;
    const kind = kindOf(typeUrl);
    if (typeUrl === '') this.#fail('type_url is missing');
    else if (kind === undefined) this.#reportUnknown(typeUrl);
    else this.#receiveKnown(kind, request);
  }

  /**
   * Writes what is due, one response at a time: the next is made of the snapshot that is current when the one before has
   * left. A slow client thus skips snapshots, and nothing piles up for it.
   */
  send(): void {
    if (this.#isWriting || this.call.cancelled || this.call.writableEnded) return;
    const pending = this.#nextResponse();
    if (pending === undefined) return;
    this.#isWriting = true;
    this.call.write(pending.response, () => {
      this.#isWriting = false;
      this.send();
    });
  }

  end(): void {
    this.call.end();
  }

  #receiveKnown(kind: ResourceKind, request: DiscoveryRequest): void {
    const nack = this.#channel(kind).accept(request, this.now());
    if (nack !== undefined) {
      const { typeUrl } = request;
      this.logger.warn('a client refused its configuration', { nodeId: this.#node?.id, typeUrl, ...nack });
    }
    this.send();
  }

  #channel(kind: ResourceKind): SotwChannel {
    let channel = this.#channels.get(kind);
    if (channel === undefined) {
      channel = new SotwChannel(kind);
      this.#channels.set(kind, channel);
    }
    return channel;
  }

  #nextResponse(): PendingResponse | undefined {
    const current = this.cache.snapshotFor(this.#node);
    if (current === undefined) return undefined;
    for (const [kind, phase] of sendingOrder) {
      const pending = this.#channels.get(kind)?.next(current[kind], phase);
      if (pending === undefined) continue;
      this.#refreshReferences(pending);
      return pending;
    }
    return undefined;
  }

  /** Envoy holds a changed cluster or listener back until its endpoints or routes come once more, changed or not. */
  #refreshReferences({ updated }: PendingResponse): void {
    for (const { references } of updated) {
      for (const { kind, name } of references) this.#channels.get(kind)?.refresh(name);
    }
  }

  #reportUnknown(typeUrl: string): void {
    if (this.#unknownTypes.has(typeUrl)) return;
    this.#unknownTypes.add(typeUrl);
    this.logger.warn('a client asks for a type that is not served', { nodeId: this.#node?.id, typeUrl });
  }

  #fail(details: string): void {
    this.call.emit('error', { code: status.INVALID_ARGUMENT, details });
  }
}
