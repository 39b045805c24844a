import { type Any, anyUnpack } from '@bufbuild/protobuf/wkt';
import { type DeltaDiscoveryResponse, type DiscoveryResponse, SecretSchema } from '../src/messages.js';
import { decodeAny } from '../src/resources/decode-any.js';
import { type ServedKind, servedKindOf, servedKinds, typeUrls } from '../src/resources/type-urls.js';
import type { SnapshotCache } from '../src/server/snapshot-cache.js';
import { DeltaStream, WorldStream } from './in-process-stream.js';

const allowsWildcard = (kind: ServedKind) => kind === 'cluster' || kind === 'listener';

interface Interest {
  readonly names: Set<string>;
  wildcard: boolean;
  /** Content by name, as bytes in hex. */
  readonly held: Map<string, string>;
}

/** A client as simple as it can be, to tell whether a server brings it what it subscribed to. */
export abstract class ModelClient {
  readonly interests = new Map<ServedKind, Interest>(
    servedKinds.map((kind) => [kind, { names: new Set(), wildcard: false, held: new Map() }]),
  );

  abstract subscribe(kind: ServedKind, name: string): void;
  abstract unsubscribe(kind: ServedKind, name: string): void;
  abstract reconnect(): void;
  /** Reads the next response that waits, if any; returns whether there was one. */
  abstract process(refuse: boolean): boolean;
  abstract setSlow(isSlow: boolean): void;
  abstract flush(): void;

  of(kind: ServedKind): Interest {
    return this.interests.get(kind)!;
  }

  wants(kind: ServedKind, name: string): boolean {
    const { names, wildcard } = this.of(kind);
    return wildcard || names.has(name);
  }

  protected isActive(kind: ServedKind): boolean {
    const { names, wildcard } = this.of(kind);
    return wildcard || names.size > 0;
  }

  protected add(kind: ServedKind, name: string): void {
    if (name === '*') this.of(kind).wildcard = allowsWildcard(kind);
    else this.of(kind).names.add(name);
  }

  protected take(kind: ServedKind, name: string): void {
    const interest = this.of(kind);
    if (name === '*') interest.wildcard = false;
    else interest.names.delete(name);
    // Under wildcard too: it is the server that has to send it again then.
    interest.held.delete(name);
    for (const held of interest.held.keys()) if (!this.wants(kind, held)) interest.held.delete(held);
  }

  protected keep(kind: ServedKind, name: string, any: Any): void {
    if (this.wants(kind, name)) this.of(kind).held.set(name, Buffer.from(any.value).toString('hex'));
  }
}

export class ModelDeltaClient extends ModelClient {
  #stream: DeltaStream;
  #unread: DeltaDiscoveryResponse[] = [];
  readonly #versions = new Map<ServedKind, Map<string, string>>();

  constructor(private readonly cache: SnapshotCache) {
    super();
    this.#stream = new DeltaStream(cache);
  }

  subscribe(kind: ServedKind, name: string): void {
    if (name === '*' && !allowsWildcard(kind)) return;
    this.add(kind, name);
    this.#stream.subscribe(kind, name);
  }

  unsubscribe(kind: ServedKind, name: string): void {
    const isAsked = this.#stream.stream.status.types.some(({ typeUrl }) => typeUrl === typeUrls[kind]);
    this.take(kind, name);
    // The first request without a name would ask for everything.
    if (isAsked) this.#stream.unsubscribe(kind, name);
  }

  reconnect(): void {
    this.#stream.close();
    this.#stream = new DeltaStream(this.cache);
    this.#unread = [];
    for (const kind of servedKinds) {
      if (!this.isActive(kind)) continue;
      const { names, wildcard, held } = this.of(kind);
      const versions = [...this.#versionsOf(kind)].filter(([name]) => held.has(name));
      const star = wildcard && names.size > 0 ? ['*'] : [];
      this.#stream.request(kind, {
        resourceNamesSubscribe: [...star, ...names],
        initialResourceVersions: Object.fromEntries(versions),
      });
    }
  }

  process(refuse: boolean): boolean {
    this.#unread.push(...this.#stream.take());
    const response = this.#unread.shift();
    if (response === undefined) return false;
    const kind = servedKindOf(response.typeUrl)!;
    const isRefused = refuse && response.resources.length > 0;
    for (const name of response.removedResources) this.of(kind).held.delete(name);
    for (const { name, version, resource } of isRefused ? [] : response.resources) {
      this.keep(kind, name, resource!);
      this.#versionsOf(kind).set(name, version);
    }
    const errorDetail = isRefused ? { code: 3, message: 'no' } : undefined;
    this.#stream.request(kind, { responseNonce: response.nonce, ...(errorDetail && { errorDetail }) });
    return true;
  }

  setSlow(isSlow: boolean): void {
    this.#stream.call.isSlow = isSlow;
  }

  flush(): void {
    this.#stream.call.flush();
  }

  #versionsOf(kind: ServedKind): Map<string, string> {
    let versions = this.#versions.get(kind);
    if (versions === undefined) {
      versions = new Map();
      this.#versions.set(kind, versions);
    }
    return versions;
  }
}

interface WorldState {
  nonce: string;
  acceptedVersion: string;
  /** Whether what is held is what the accepted version stands for. */
  isExact: boolean;
}

export class ModelWorldClient extends ModelClient {
  #stream: WorldStream;
  #unread: DiscoveryResponse[] = [];
  readonly #states = new Map<ServedKind, WorldState>(
    servedKinds.map((kind) => [kind, { nonce: '', acceptedVersion: '', isExact: false }]),
  );

  constructor(private readonly cache: SnapshotCache) {
    super();
    this.#stream = new WorldStream(cache);
  }

  subscribe(kind: ServedKind, name: string): void {
    if (name === '*' && !allowsWildcard(kind)) return;
    this.add(kind, name);
    this.#states.get(kind)!.isExact = false;
    this.#request(kind);
  }

  unsubscribe(kind: ServedKind, name: string): void {
    const isAsked = this.#stream.stream.status.types.some(({ typeUrl }) => typeUrl === typeUrls[kind]);
    // Without a request of its own for what was dropped under wildcard, it would not come back.
    if (this.of(kind).wildcard && name !== '*') this.of(kind).names.delete(name);
    else this.take(kind, name);
    this.#states.get(kind)!.isExact = false;
    if (isAsked) this.#request(kind);
  }

  reconnect(): void {
    this.#stream.close();
    this.#stream = new WorldStream(this.cache);
    this.#unread = [];
    for (const kind of servedKinds) {
      const state = this.#states.get(kind)!;
      state.nonce = '';
      if (!state.isExact) state.acceptedVersion = '';
      if (this.isActive(kind)) this.#request(kind);
    }
  }

  process(refuse: boolean): boolean {
    this.#unread.push(...this.#stream.take());
    const response = this.#unread.shift();
    if (response === undefined) return false;
    const kind = servedKindOf(response.typeUrl)!;
    const state = this.#states.get(kind)!;
    const isRefused = refuse && response.resources.length > 0;
    const names = new Set<string>();
    for (const any of response.resources) {
      const name = anyUnpack(any, SecretSchema)?.name ?? decodeAny(any.typeUrl, any.value).name;
      names.add(name);
      if (!isRefused) this.keep(kind, name, any);
    }
    const { held } = this.of(kind);
    if (allowsWildcard(kind)) for (const name of held.keys()) if (!names.has(name)) held.delete(name);
    state.nonce = response.nonce;
    if (!isRefused) state.acceptedVersion = response.versionInfo;
    state.isExact = !isRefused;
    this.#request(kind, isRefused);
    return true;
  }

  setSlow(isSlow: boolean): void {
    this.#stream.call.isSlow = isSlow;
  }

  flush(): void {
    this.#stream.call.flush();
  }

  #request(kind: ServedKind, isRefused = false): void {
    const { nonce, acceptedVersion } = this.#states.get(kind)!;
    const { names, wildcard } = this.of(kind);
    this.#stream.request(kind, [...(wildcard ? ['*'] : []), ...names], {
      responseNonce: nonce,
      versionInfo: acceptedVersion,
      ...(isRefused && { errorDetail: { code: 3, message: 'no' } }),
    });
  }
}
