import { ownValue } from '../own-value.js';
import { authorizationPolicyFields } from './authorization-policy.js';
import { backendTlsPolicyFields, configMapFields } from './backend-tls-policy.js';
import { destinationRuleFields } from './destination-rule.js';
import type { Fields } from './field.js';
import { gatewayFields } from './gateway.js';
import { grpcRouteFields } from './grpc-route.js';
import { httpRouteFields, referenceGrantFields } from './http-route.js';
import { istioOperatorFields } from './istio-operator.js';
import { endpointSliceFields, nodeFields, podFields, serviceFields } from './kubernetes.js';
import { peerAuthenticationFields } from './peer-authentication.js';
import { requestAuthenticationFields } from './request-authentication.js';
import { secretFields } from './secret.js';
import { serviceEntryFields, workloadEntryFields } from './service-entry.js';
import { sidecarFields } from './sidecar.js';
import { virtualServiceFields } from './virtual-service.js';

export interface KindSchema {
  readonly group: string;
  /** All of one shape. */
  readonly versions: readonly string[];
  /** Beside apiVersion, kind, metadata and status. */
  readonly fields: Fields;
  /** Whether most objects of the kind are about other things: other fields are taken without a word. */
  readonly isOpen?: boolean;
}

function kind<F extends Fields>(group: string, versions: readonly string[], fields: F) {
  return { group, versions, fields } satisfies KindSchema;
}

const istioVersions = ['v1', 'v1beta1', 'v1alpha3'];

/** The kinds that are translated. */
export const translatedKinds = {
  Service: kind('', ['v1'], serviceFields),
  Pod: kind('', ['v1'], podFields),
  Node: kind('', ['v1'], nodeFields),
  Secret: kind('', ['v1'], secretFields),
  ConfigMap: { ...kind('', ['v1'], configMapFields), isOpen: true },
  EndpointSlice: kind('discovery.k8s.io', ['v1'], endpointSliceFields),
  VirtualService: kind('networking.istio.io', istioVersions, virtualServiceFields),
  Gateway: kind('networking.istio.io', istioVersions, gatewayFields),
  DestinationRule: kind('networking.istio.io', istioVersions, destinationRuleFields),
  ServiceEntry: kind('networking.istio.io', istioVersions, serviceEntryFields),
  WorkloadEntry: kind('networking.istio.io', istioVersions, workloadEntryFields),
  Sidecar: kind('networking.istio.io', istioVersions, sidecarFields),
  PeerAuthentication: kind('security.istio.io', ['v1', 'v1beta1'], peerAuthenticationFields),
  RequestAuthentication: kind('security.istio.io', ['v1', 'v1beta1'], requestAuthenticationFields),
  AuthorizationPolicy: kind('security.istio.io', ['v1', 'v1beta1'], authorizationPolicyFields),
  IstioOperator: kind('install.istio.io', ['v1alpha1'], istioOperatorFields),
  HTTPRoute: kind('gateway.networking.k8s.io', ['v1', 'v1beta1'], httpRouteFields),
  GRPCRoute: kind('gateway.networking.k8s.io', ['v1', 'v1alpha2'], grpcRouteFields),
  BackendTLSPolicy: kind('gateway.networking.k8s.io', ['v1', 'v1alpha3'], backendTlsPolicyFields),
  ReferenceGrant: kind('gateway.networking.k8s.io', ['v1', 'v1beta1'], referenceGrantFields),
};

export type TranslatedKind = keyof typeof translatedKinds;

/** Groups of service meshes: a kind that is in none of these tables is a mistake. */
const meshGroups = /(^|\.)istio\.io$|^gateway\.networking\.(k8s|x-k8s)\.io$/;

/** Kinds of a mesh that are not acted on, and what follows from that. */
export const ignoredKinds: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  // The cluster itself writes EndpointSlices beside them.
  '': { Endpoints: 'endpoints are read from EndpointSlices only' },
  'networking.istio.io': {
    EnvoyFilter: 'there is no proxy to patch',
    WorkloadGroup: 'workloads register by WorkloadEntry only',
    ProxyConfig: 'there is no proxy to configure',
  },
  'telemetry.istio.io': { Telemetry: 'metrics and traces are what the service itself sets up' },
  'extensions.istio.io': { WasmPlugin: 'there is no proxy to extend', TrafficExtension: 'there is no proxy to extend' },
  'gateway.networking.k8s.io': {
    Gateway: 'requests from outside of the mesh are not routed',
    GatewayClass: 'requests from outside of the mesh are not routed',
    ListenerSet: 'requests from outside of the mesh are not routed',
    TLSRoute: 'only HTTP is routed',
    TCPRoute: 'only HTTP is routed',
    UDPRoute: 'only HTTP is routed',
  },
  'gateway.networking.x-k8s.io': {
    XBackendTrafficPolicy: 'retries keep to the budget of the mesh',
    XListenerSet: 'requests from outside of the mesh are not routed',
    XMesh: 'there is one mesh',
  },
};

/** What a cluster also has and no mesh reads, by the group. */
const unrelatedKinds: Readonly<Record<string, readonly string[]>> = {
  '': [
    ...['Binding', 'ComponentStatus', 'Event', 'LimitRange', 'Namespace', 'PersistentVolume'],
    ...['PersistentVolumeClaim', 'PodTemplate', 'ReplicationController', 'ResourceQuota', 'ServiceAccount'],
  ],
  apps: ['ControllerRevision', 'DaemonSet', 'Deployment', 'ReplicaSet', 'StatefulSet'],
  batch: ['CronJob', 'Job'],
  autoscaling: ['HorizontalPodAutoscaler'],
  policy: ['PodDisruptionBudget', 'PodSecurityPolicy'],
  'networking.k8s.io': ['Ingress', 'IngressClass', 'IPAddress', 'NetworkPolicy', 'ServiceCIDR'],
  'rbac.authorization.k8s.io': ['ClusterRole', 'ClusterRoleBinding', 'Role', 'RoleBinding'],
  'storage.k8s.io': ['CSIDriver', 'CSINode', 'StorageClass', 'VolumeAttachment'],
  'scheduling.k8s.io': ['PriorityClass'],
  'coordination.k8s.io': ['Lease'],
  'apiextensions.k8s.io': ['CustomResourceDefinition'],
  'apiregistration.k8s.io': ['APIService'],
  'events.k8s.io': ['Event'],
  'node.k8s.io': ['RuntimeClass'],
  'certificates.k8s.io': ['CertificateSigningRequest', 'ClusterTrustBundle'],
  'admissionregistration.k8s.io': [
    ...['MutatingWebhookConfiguration', 'ValidatingWebhookConfiguration'],
    ...['ValidatingAdmissionPolicy', 'ValidatingAdmissionPolicyBinding'],
  ],
};

export type KindVerdict =
  | { readonly verdict: 'translated'; readonly kind: TranslatedKind }
  | { readonly verdict: 'ignored'; readonly effect: string }
  | { readonly verdict: 'unrelated' }
  | { readonly verdict: 'unknown'; readonly ofMesh: boolean; readonly known: readonly string[] };

export function judgeKind(group: string, name: string): KindVerdict {
  if (isTranslated(name) && translatedKinds[name].group === group) return { verdict: 'translated', kind: name };
  const effect = ownValue(ownValue(ignoredKinds, group) ?? {}, name);
  if (effect !== undefined) return { verdict: 'ignored', effect };
  if (ownValue(unrelatedKinds, group)?.includes(name)) return { verdict: 'unrelated' };
  return { verdict: 'unknown', ofMesh: meshGroups.test(group), known: kindsOf(group) };
}

function isTranslated(name: string): name is TranslatedKind {
  return Object.hasOwn(translatedKinds, name);
}

function kindsOf(group: string): string[] {
  const translated = Object.entries(translatedKinds).filter(([, schema]) => schema.group === group);
  return [
    ...translated.map(([name]) => name),
    ...Object.keys(ownValue(ignoredKinds, group) ?? {}),
    ...(ownValue(unrelatedKinds, group) ?? []),
  ];
}
