import type { ClientKind, ClientView } from '@inmesh/config';
import type { Node } from '@inmesh/xds/messages';

type Metadata = NonNullable<Node['metadata']>;
type Value = Metadata[string] | undefined;

/** Who a node says that it is, in Istio's names (`NAMESPACE`, `LABELS`, `NODE_NAME`). What is malformed is not known. */
export function clientOf(node: Node, defaultNamespace: string): ClientView {
  const { id, metadata = {}, locality } = node;
  const kind = kindOf(node);
  const labels = labelsOf(metadata.LABELS);
  const nodeName = textOf(metadata.NODE_NAME);
  return {
    kind,
    namespace: textOf(metadata.NAMESPACE) || namespaceOf(id) || defaultNamespace,
    ...(labels !== undefined && { labels }),
    ...(locality !== undefined && {
      locality: { region: locality.region, zone: locality.zone, subZone: locality.subZone },
    }),
    ...(nodeName !== '' && { nodeName }),
    ...(metadata.INMESH_EGRESS === 'REGISTRY_ONLY' && { egress: 'REGISTRY_ONLY' }),
    ...(kind === 'envoy' && proxyFields(metadata)),
  };
}

/** By the user agent, which every Envoy and every gRPC library gives (`envoy`, `gRPC Go`, `gRPC Node Pure JS`). */
function kindOf({ userAgentName }: Node): ClientKind {
  if (userAgentName === 'envoy') return 'envoy';
  return /^grpc\b/i.test(userAgentName) ? 'grpc' : 'inmesh';
}

/** Numbers come as text from an istio-agent. */
function proxyFields(metadata: Metadata): Pick<ClientView, 'interception' | 'proxyPort'> {
  const proxyPort = Number(metadata.HTTP_PROXY_PORT ?? Number.NaN);
  return {
    ...(metadata.INTERCEPTION_MODE === 'NONE' && { interception: 'NONE' }),
    ...(Number.isInteger(proxyPort) && proxyPort > 0 && proxyPort < 65_536 && { proxyPort }),
  };
}

/** `sidecar~10.0.0.1~pod.namespace~namespace.svc.cluster.local`, as istio-agents name themselves. */
function namespaceOf(id: string): string {
  const pod = id.split('~')[2] ?? '';
  const dot = pod.lastIndexOf('.');
  return dot < 0 ? '' : pod.slice(dot + 1);
}

function labelsOf(written: Value): Record<string, string> | undefined {
  if (typeof written !== 'object' || written === null || Array.isArray(written)) return undefined;
  const entries = Object.entries(written).filter((entry): entry is [string, string] => typeof entry[1] === 'string');
  return Object.fromEntries(entries);
}

function textOf(written: Value): string {
  return typeof written === 'string' ? written : '';
}
