import { create, type JsonObject } from '@bufbuild/protobuf';
import { type Node, NodeSchema } from '../messages.js';

/** Who the client says that it is (Envoy `core.v3.Node`). */
export interface NodeIdentity {
  readonly id: string;
  readonly cluster: string;
  readonly metadata: JsonObject;
  readonly locality?: { readonly region: string; readonly zone: string; readonly subZone: string } | undefined;
}

export function nodeMessage({ id, cluster, metadata, locality }: NodeIdentity): Node {
  const node = create(NodeSchema, { id, cluster, metadata, userAgentName: 'inmesh' });
  if (locality !== undefined) node.locality = { $typeName: 'envoy.config.core.v3.Locality', ...locality };
  return node;
}
