import { create } from '@bufbuild/protobuf';
import { type Any, AnySchema } from '@bufbuild/protobuf/wkt';
import { type DiscoveryResponse, DiscoveryResponseSchema } from '../src/messages.js';
import { resourceTypes, type WireResources } from '../src/resources/resource-types.js';
import { type ResourceKind, typeUrls } from '../src/resources/type-urls.js';

export interface ResponseInit {
  readonly version?: string;
  readonly nonce?: string;
  /** Beside the messages, as they are. */
  readonly raw?: readonly Any[];
}

export function responseOf<Kind extends ResourceKind>(
  kind: Kind,
  messages: readonly WireResources[Kind][],
  { version = '1', nonce = '1', raw = [] }: ResponseInit = {},
): DiscoveryResponse {
  const resources = messages.map((message) => rawAny(kind, resourceTypes[kind].write(message)));
  return create(DiscoveryResponseSchema, {
    typeUrl: typeUrls[kind],
    versionInfo: version,
    nonce,
    resources: [...resources, ...raw],
  });
}

export function rawAny(kind: ResourceKind, value: Uint8Array): Any {
  return create(AnySchema, { typeUrl: typeUrls[kind], value });
}
