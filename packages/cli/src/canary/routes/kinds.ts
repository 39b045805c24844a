import { type Fields, fieldsOf, type RouteContext, type RoutedKind, textOf } from './routed-object.js';

const virtualService: RoutedKind = {
  kind: 'VirtualService',
  aliases: ['virtualservice', 'virtualservices', 'vs'],
  group: 'networking.istio.io',
  versions: ['v1', 'v1beta1'],
  plural: 'virtualservices',
  rules: 'http',
  shares: 'route',
  destination: (share, context) => {
    const { host, subset } = fieldsOf(share.destination);
    return { host: qualified(textOf(host) ?? '', context), subset: textOf(subset) };
  },
  // Istio: the only one gets all, and of several one without a weight gets nothing.
  defaultWeight: (count) => (count === 1 ? 100 : 0),
  lineFor: (example, version) => {
    const host = textOf(fieldsOf(example.destination).host) ?? 'HOST';
    return `- { destination: { host: ${host}, subset: ${version} }, weight: 0 }`;
  },
};

function gatewayRoute(kind: string, aliases: readonly string[]): RoutedKind {
  return {
    kind,
    aliases,
    group: 'gateway.networking.k8s.io',
    versions: ['v1'],
    plural: `${kind.toLowerCase()}s`,
    rules: 'rules',
    shares: 'backendRefs',
    destination: ({ name, namespace }, context) => ({
      host: qualified(textOf(name) ?? '', { ...context, namespace: textOf(namespace) ?? context.namespace }),
      subset: undefined,
    }),
    defaultWeight: () => 1,
    lineFor: ({ port }, version, target) =>
      `- { name: ${target}-${version}, ${typeof port === 'number' ? `port: ${port}, ` : ''}weight: 0 }`,
  };
}

export const routedKinds: readonly RoutedKind[] = [
  virtualService,
  gatewayRoute('HTTPRoute', ['httproute', 'httproutes']),
  gatewayRoute('GRPCRoute', ['grpcroute', 'grpcroutes']),
];

/** For messages. */
export const anyKind = routedKinds
  .map(({ kind }) => kind)
  .join(', ')
  .replace(/, (\w+)$/, ' or $1');

export function kindOf(object: Fields): RoutedKind | undefined {
  const group = textOf(object.apiVersion)?.split('/')[0];
  return routedKinds.find((one) => one.kind === object.kind && one.group === group);
}

/** Short names are completed with the namespace of the object. */
function qualified(host: string, { namespace, clusterDomain }: RouteContext): string {
  return host.includes('.') ? host : `${host}.${namespace}.svc.${clusterDomain}`;
}
