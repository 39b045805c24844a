import { create } from '@bufbuild/protobuf';
import { type DiscoveryRequest, DiscoveryRequestSchema, type DiscoveryResponse } from '../messages.js';
import type { ResourceError } from '../resources/decode-result.js';
import { type ResourceKind, typeUrls } from '../resources/type-urls.js';
import { type Names, type Protocol, type ReceivedResponse, refusalOf } from './protocol.js';
import type { ResourceStore } from './resource-store.js';

/** The state of the world: every request names all that is wanted, and carries the last good version and the last nonce. */
export class WorldProtocol implements Protocol<DiscoveryRequest, DiscoveryResponse> {
  readonly #nonces = new Map<ResourceKind, string>();
  /** The version of the last good response on this stream. */
  readonly #accepted = new Map<ResourceKind, string>();
  /** What was asked for last, to tell changes. */
  readonly #asked = new Map<ResourceKind, Names>();

  constructor(
    private readonly store: ResourceStore,
    /** Whether the versions in the store are this server's. */
    private readonly knowsVersions: boolean,
  ) {}

  ask(kind: ResourceKind, names: Names): DiscoveryRequest | undefined {
    const asked = this.#asked.get(kind);
    const isKnown = asked === undefined ? names !== 'all' && names.size === 0 : asked === names;
    return isKnown ? undefined : this.#request(kind, names);
  }

  answer(
    kind: ResourceKind,
    { nonce, version }: ReceivedResponse,
    names: Names,
    errors: readonly ResourceError[],
  ): DiscoveryRequest {
    this.#nonces.set(kind, nonce);
    if (errors.length === 0) this.#accepted.set(kind, version);
    const request = this.#request(kind, names);
    request.errorDetail = refusalOf(errors);
    return request;
  }

  read({ typeUrl, versionInfo: version, nonce, resources }: DiscoveryResponse): ReceivedResponse {
    const received = resources.map((any) => ({ any, name: '', version: '' }));
    return { typeUrl, version, nonce, resources: received, removed: [], isWhole: true };
  }

  /** No name ever means all of them, for clusters and listeners. */
  #request(kind: ResourceKind, names: Names): DiscoveryRequest {
    this.#asked.set(kind, names);
    const nonce = this.#nonces.get(kind) ?? '';
    const { acceptedVersion, isExact } = this.store[kind];
    const isKnown = this.knowsVersions && (nonce !== '' || isExact);
    return create(DiscoveryRequestSchema, {
      typeUrl: typeUrls[kind],
      // On a new stream a server that has gone back to this version would send nothing.
      versionInfo: this.#accepted.get(kind) ?? (isKnown ? acceptedVersion : ''),
      responseNonce: nonce,
      resourceNames: names === 'all' ? [] : [...names],
    });
  }
}
