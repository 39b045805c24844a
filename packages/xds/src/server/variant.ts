import { create } from '@bufbuild/protobuf';
import { type Any, anyPack, durationFromMs } from '@bufbuild/protobuf/wkt';
import { hideKeys } from '../hide-keys.js';
import {
  type DeltaDiscoveryRequest,
  type DeltaDiscoveryResponse,
  DeltaDiscoveryResponseSchema,
  type DiscoveryRequest,
  type DiscoveryResponse,
  DiscoveryResponseSchema,
  type Node,
  type Resource,
  ResourceSchema,
} from '../messages.js';
import type { VersionedResource } from './versioned-snapshot.js';

/** A request without its variant. */
export interface TypeRequest {
  readonly node: Node | undefined;
  readonly typeUrl: string;
  readonly nonce: string;
  /** The message of a NACK. */
  readonly refusal: string | undefined;
  readonly interest:
    | { readonly kind: 'names'; readonly names: readonly string[] }
    | { readonly kind: 'change'; readonly subscribed: readonly string[]; readonly unsubscribed: readonly string[] };
  /** What the client says that it has from an earlier stream; counts in the first request of a type. */
  readonly claim:
    | { readonly kind: 'everything'; readonly version: string }
    | { readonly kind: 'resources'; readonly versions: Readonly<Record<string, string>> };
}

/** A response without its variant. */
export interface TypeResponse {
  readonly typeUrl: string;
  readonly version: string;
  readonly nonce: string;
  readonly resources: readonly VersionedResource[];
  /** Names. */
  readonly removed: readonly string[];
  /** Undefined for resources that live until they are removed. */
  readonly ttlMs: number | undefined;
  /** Prolongs the life of the resources, which the client has. */
  readonly isHeartbeat: boolean;
}

/** What one variant of the protocol is on the wire; the decision what to send is the same for both. */
export interface Variant<Request, Response> {
  readonly isIncremental: boolean;
  read(request: Request): TypeRequest;
  /** @param identifier of the server, for `control_plane` */
  write(response: TypeResponse, identifier?: string): Response;
}

export const stateOfTheWorld: Variant<DiscoveryRequest, DiscoveryResponse> = {
  isIncremental: false,
  read: ({ node, typeUrl, responseNonce, errorDetail, resourceNames, versionInfo }) => ({
    node,
    typeUrl,
    nonce: responseNonce,
    refusal: refusalOf(errorDetail),
    interest: { kind: 'names', names: resourceNames },
    claim: { kind: 'everything', version: versionInfo },
  }),
  write: (response, identifier) =>
    create(DiscoveryResponseSchema, {
      ...(identifier !== undefined && { controlPlane: { identifier } }),
      typeUrl: response.typeUrl,
      versionInfo: response.version,
      nonce: response.nonce,
      resources: response.resources.map((resource) => worldOf(resource, response)),
    }),
};

export const incremental: Variant<DeltaDiscoveryRequest, DeltaDiscoveryResponse> = {
  isIncremental: true,
  read: (request) => ({
    node: request.node,
    typeUrl: request.typeUrl,
    nonce: request.responseNonce,
    refusal: refusalOf(request.errorDetail),
    interest: {
      kind: 'change',
      subscribed: request.resourceNamesSubscribe,
      unsubscribed: request.resourceNamesUnsubscribe,
    },
    claim: { kind: 'resources', versions: request.initialResourceVersions },
  }),
  write: (response, identifier) =>
    create(DeltaDiscoveryResponseSchema, {
      ...(identifier !== undefined && { controlPlane: { identifier } }),
      typeUrl: response.typeUrl,
      systemVersionInfo: response.version,
      nonce: response.nonce,
      resources: response.resources.map((resource) =>
        response.ttlMs === undefined ? resource.wrapped : wrap(resource, resource.version, response),
      ),
      removedResources: [...response.removed],
    }),
};

/** Messages are logged, kept and shown, and a client can say as much as it likes. */
const maxRefusalLength = 16_384;

/** Envoy quotes what it refuses. */
function refusalOf(error: { readonly message: string } | undefined): string | undefined {
  if (error === undefined) return undefined;
  const { message } = error;
  if (message.length <= maxRefusalLength) return hideKeys(message);
  // The beginning of a key is too short to be known for one.
  return `${hideKeys(message.slice(0, maxRefusalLength).replace(/[A-Za-z0-9+/=]*$/, ''))}...`;
}

/** Only a wrapper can carry a lifetime. Envoy takes one without a body for a heartbeat if it has the version of the response. */
function worldOf(resource: VersionedResource, response: TypeResponse): Any {
  if (response.ttlMs === undefined) return resource.any;
  return anyPack(ResourceSchema, wrap(resource, response.version, response));
}

function wrap({ name, any }: VersionedResource, version: string, { ttlMs, isHeartbeat }: TypeResponse): Resource {
  const wrapper = create(ResourceSchema, { name, version });
  if (ttlMs !== undefined) wrapper.ttl = durationFromMs(ttlMs);
  if (!isHeartbeat) wrapper.resource = any;
  return wrapper;
}
