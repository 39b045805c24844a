import type { ResourceType } from '../../kubernetes/client/objects.js';
import type { ClusterObject } from './cluster-object.js';
import { keptOfNode, keptOfPod, keptOfService, keptOfSlice, wholeObject } from './kept-parts.js';

/** A kind of objects that the mesh is made of. */
export interface WatchedKind {
  /** In the version that is preferred. */
  readonly type: ResourceType;
  /** All of one shape; the first that the API server has is read. */
  readonly versions: readonly [string, ...string[]];
  /** What is kept of an object; undefined: nothing. */
  readonly keep: (object: ClusterObject) => ClusterObject | undefined;
  /** Whether it is written for a mesh, and so may be for one revision of it alone (Istio's label `istio.io/rev`). */
  readonly isOfMesh: boolean;
  /** Whether what is thought of it is written into its status. */
  readonly hasStatus: boolean;
}

function core(group: string, plural: string, kind: string, keep: WatchedKind['keep'], namespaced = true): WatchedKind {
  const type = { group, version: 'v1', plural, kind, namespaced };
  return { type, versions: ['v1'], keep, isOfMesh: false, hasStatus: false };
}

function ofMesh(group: string, versions: WatchedKind['versions'], plural: string, kind: string): WatchedKind {
  const type = { group, version: versions[0], plural, kind, namespaced: true };
  return { type, versions, keep: wholeObject, isOfMesh: true, hasStatus: true };
}

function networking(plural: string, kind: string): WatchedKind {
  return ofMesh('networking.istio.io', ['v1', 'v1beta1', 'v1alpha3'], plural, kind);
}

function security(plural: string, kind: string): WatchedKind {
  return ofMesh('security.istio.io', ['v1', 'v1beta1'], plural, kind);
}

function gatewayApi(plural: string, kind: string): WatchedKind {
  return ofMesh('gateway.networking.k8s.io', ['v1', 'v1beta1'], plural, kind);
}

export const destinationRules = networking('destinationrules', 'DestinationRule');

export const backendTlsPolicies = ofMesh(
  'gateway.networking.k8s.io',
  ['v1', 'v1alpha3'],
  'backendtlspolicies',
  'BackendTLSPolicy',
);

/** Those of CRDs that are not there have no objects; when they come, their objects do. */
export const watchedKinds: readonly WatchedKind[] = [
  core('', 'services', 'Service', keptOfService),
  core('discovery.k8s.io', 'endpointslices', 'EndpointSlice', keptOfSlice),
  core('', 'pods', 'Pod', keptOfPod),
  core('', 'nodes', 'Node', keptOfNode, false),
  networking('virtualservices', 'VirtualService'),
  destinationRules,
  networking('gateways', 'Gateway'),
  networking('serviceentries', 'ServiceEntry'),
  networking('workloadentries', 'WorkloadEntry'),
  networking('sidecars', 'Sidecar'),
  security('peerauthentications', 'PeerAuthentication'),
  security('requestauthentications', 'RequestAuthentication'),
  security('authorizationpolicies', 'AuthorizationPolicy'),
  gatewayApi('httproutes', 'HTTPRoute'),
  ofMesh('gateway.networking.k8s.io', ['v1', 'v1alpha2'], 'grpcroutes', 'GRPCRoute'),
  backendTlsPolicies,
  { ...gatewayApi('referencegrants', 'ReferenceGrant'), hasStatus: false },
];
