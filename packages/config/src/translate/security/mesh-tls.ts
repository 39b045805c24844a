import type { Memory } from '../../memory.js';
import type { MeshEndpoint, MeshService } from '../mesh-service.js';
import type { ClusterPolicy } from '../traffic-policy.js';
import type { Labels } from '../workloads.js';
import type { PeerModes, WorkloadModes } from './peer-modes.js';

/** What istiod writes into the metadata of an endpoint, for `transport_socket_matches` to look at. */
export const meshTlsMatch = { tlsMode: 'istio' };
export const meshTlsMetadata = { 'envoy.transport_socket_match': meshTlsMatch };

/** Istio's label of workloads that have a certificate of the mesh. */
const tlsModeLabel = 'security.istio.io/tlsMode';

/** Whether each endpoint decides how it is spoken to: no rule says it, and the host is one of the mesh (auto mTLS). */
export function isByEndpoint({ isExternal }: MeshService, { tls, backendTls }: ClusterPolicy): boolean {
  return tls === undefined && backendTls === undefined && isExternal !== true;
}

/** Which endpoints take the TLS of the mesh: those with the label, but where a PeerAuthentication turns it off. */
export class MeshTls {
  constructor(private readonly memory: Memory) {}

  mark(endpoints: readonly MeshEndpoint[], { namespace }: MeshService): readonly MeshEndpoint[] {
    if (!endpoints.some(isLabelled)) return endpoints;
    return endpoints.map((endpoint) =>
      this.#takes(endpoint, namespace) ? { ...endpoint, takesMeshTls: true } : endpoint,
    );
  }

  #takes(endpoint: MeshEndpoint, namespace: string): boolean {
    if (!isLabelled(endpoint)) return false;
    const { labels = {}, port } = endpoint;
    const peerModes = this.memory.ask('peerModes', itself);
    const of = () => peerModes.of(workloadOf(labels, namespace));
    const modes: WorkloadModes = this.memory.recall(labels, 'modes', [namespace, peerModes], of);
    return (modes.ports.get(port) ?? modes.mode) !== 'DISABLE';
  }
}

const itself = (modes: PeerModes) => modes;

function isLabelled({ labels = {} }: MeshEndpoint): boolean {
  return labels[tlsModeLabel] === 'istio';
}

function workloadOf(labels: Labels, own: string) {
  return {
    isIn: (namespace: string) => namespace === own,
    hasLabels: (wanted: Labels) => Object.entries(wanted).every(([key, value]) => labels[key] === value),
  };
}
