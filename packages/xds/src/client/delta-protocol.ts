import { create } from '@bufbuild/protobuf';
import { AnySchema } from '@bufbuild/protobuf/wkt';
import { type DeltaDiscoveryRequest, DeltaDiscoveryRequestSchema, type DeltaDiscoveryResponse } from '../messages.js';
import type { ResourceError } from '../resources/decode-result.js';
import { type ResourceKind, typeUrls } from '../resources/type-urls.js';
import { type Names, type Protocol, type ReceivedResponse, refusalOf } from './protocol.js';
import type { ResourceStore } from './resource-store.js';

const none: ReadonlySet<string> = new Set();

/** Incremental: requests say what changes in what is wanted, and the first of a type what is there from earlier streams. */
export class DeltaProtocol implements Protocol<DeltaDiscoveryRequest, DeltaDiscoveryResponse> {
  readonly #asked = new Map<ResourceKind, Names>();

  constructor(
    private readonly store: ResourceStore,
    /** Whether the versions in the store are this server's. */
    private readonly knowsVersions: boolean,
  ) {}

  /** No name in the first request means all of them, for clusters and listeners. */
  ask(kind: ResourceKind, names: Names): DeltaDiscoveryRequest | undefined {
    const asked = this.#asked.get(kind);
    if (asked === names || (asked === undefined && names !== 'all' && names.size === 0)) return undefined;
    this.#asked.set(kind, names);
    const before = asked === undefined || asked === 'all' ? none : asked;
    const now = names === 'all' ? none : names;
    return create(DeltaDiscoveryRequestSchema, {
      typeUrl: typeUrls[kind],
      resourceNamesSubscribe: [...now].filter((name) => !before.has(name)),
      resourceNamesUnsubscribe: [...before].filter((name) => !now.has(name)),
      initialResourceVersions: asked === undefined ? this.#versions(kind, names) : {},
    });
  }

  answer(
    kind: ResourceKind,
    { nonce }: ReceivedResponse,
    _names: Names,
    errors: readonly ResourceError[],
  ): DeltaDiscoveryRequest {
    const request = create(DeltaDiscoveryRequestSchema, { typeUrl: typeUrls[kind], responseNonce: nonce });
    request.errorDetail = refusalOf(errors);
    return request;
  }

  read({ typeUrl, systemVersionInfo, nonce, resources, removedResources }: DeltaDiscoveryResponse): ReceivedResponse {
    return {
      typeUrl,
      version: systemVersionInfo,
      nonce,
      resources: resources.map(({ resource: any = create(AnySchema), name, version }) => ({ any, name, version })),
      removed: removedResources,
      isWhole: false,
    };
  }

  /** What came without a version of its own, or from another server, is named too, for the server to say when it is gone. */
  #versions(kind: ResourceKind, names: Names): Record<string, string> {
    const wanted = [...this.store[kind].versions()].filter(([name]) => names === 'all' || names.has(name));
    return Object.fromEntries(wanted.map(([name, version]) => [name, this.knowsVersions ? version : '']));
  }
}
