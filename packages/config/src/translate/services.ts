import type { Settings } from '../options.js';
import type { ObjectsByKind, ReadObject } from '../read-objects.js';
import type { Service, ServicePort } from '../schema/kubernetes.js';
import { namedEndpoint } from './dialled.js';
import type { SliceIndex } from './endpoint-slices.js';
import { trafficDistributionAnnotation } from './locality-settings.js';
import type { Discovery, MeshEndpoint, MeshPort, MeshService } from './mesh-service.js';
import { protocolOfPort } from './protocol.js';
import { isExportedTo } from './visibility.js';

/** Services of Kubernetes, with the endpoints that EndpointSlices tell. */
export function translateServices(
  services: ObjectsByKind['Service'],
  slices: SliceIndex,
  settings: Settings,
): MeshService[] {
  return services.map((service) =>
    settings.memory.recall(service, 'service', slices.of(service), () => translateService(service, slices, settings)),
  );
}

/** Istio's way to say on a Service what a ServiceEntry has a field for. */
export const exportToAnnotation = 'networking.istio.io/exportTo';

function translateService(
  service: ReadObject<Service>,
  slices: SliceIndex,
  { clusterDomain, client }: Settings,
): MeshService {
  const { name, namespace, place, body } = service;
  const { annotations = {} } = service.metadata;
  const exportTo = annotations[exportToAnnotation];
  const host = `${name}.${namespace}.svc.${clusterDomain}`;
  const ports = (body.spec.ports ?? []).filter(({ protocol }) => (protocol ?? 'TCP') === 'TCP');
  checkPorts(service, ports);
  return {
    host,
    name,
    namespace,
    // As Istio's own (httproute.go `generateAltVirtualHosts`).
    aliases: [`${name}.${namespace}.svc`, `${name}.${namespace}`, name],
    ports: ports.map((port) => translatePort(service, port, host, slices)),
    unready: slices.unreadyLabelsOf(service),
    isHidden: !isExportedTo(
      exportTo?.split(',').map((target) => target.trim()),
      namespace,
      client,
    ),
    isNodeLocal: body.spec.internalTrafficPolicy === 'Local' && hasOwnAddress(body),
    trafficDistribution: body.spec.trafficDistribution ?? annotations[trafficDistributionAnnotation],
    place,
  };
}

function checkPorts({ place, body: { spec } }: ReadObject<Service>, ports: readonly ServicePort[]): void {
  const numbers = new Set<number>();
  for (const { port } of ports) {
    if (numbers.has(port)) place.at('spec', 'ports').error(`port ${port} is there twice`);
    numbers.add(port);
  }
  if (spec.type === 'ExternalName' && !spec.externalName) {
    place.at('spec', 'externalName').error('is missing: type is ExternalName');
  }
}

function translatePort(service: ReadObject<Service>, port: ServicePort, host: string, slices: SliceIndex): MeshPort {
  return {
    number: port.port,
    name: port.name ?? '',
    protocol: protocolOfPort(port.port, port.name ?? '', port.appProtocol),
    ...discover(service, port, host, slices),
  };
}

function discover(
  service: ReadObject<Service>,
  port: ServicePort,
  host: string,
  slices: SliceIndex,
): { discovery: Discovery; endpoints: readonly MeshEndpoint[] } {
  const { spec } = service.body;
  if (spec.type === 'ExternalName') {
    // Behind a name outside of the cluster there is most often a load balancer: its addresses are not told apart.
    return { discovery: 'logicalDns', endpoints: [namedEndpoint(spec.externalName || host, port.port)] };
  }
  if (hasOwnAddress(service.body) || slices.hasAny(service)) {
    return { discovery: 'eds', endpoints: slices.endpointsOf(service, port) };
  }
  // Without slices DNS knows the pods of a headless Service. It does not know a port that only has a name.
  const number = typeof port.targetPort === 'number' ? port.targetPort : port.port;
  return { discovery: 'strictDns', endpoints: [namedEndpoint(host, number)] };
}

/** Which kube-proxy sends on: what is headless or external is called without it. */
function hasOwnAddress({ spec }: Service): boolean {
  const { type, clusterIP = spec.clusterIPs?.[0] } = spec;
  return type !== 'ExternalName' && clusterIP !== 'None';
}
