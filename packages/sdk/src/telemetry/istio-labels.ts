import {
  type Call,
  type CallEnd,
  type PeerIdentity,
  type ServiceIdentity,
  splitAuthority,
  type WorkloadIdentity,
} from '@inmesh/core';
import type { WorkloadInfo } from '../mesh-internals.js';
import type { IstioLabelName } from './names.js';
import { principalsOfCall } from './principals.js';

export type IstioLabels = Readonly<Record<IstioLabelName, string>>;

type LabelsOf<Prefix extends string> = Readonly<Record<Extract<IstioLabelName, `${Prefix}_${string}`>, string>>;
/** `reporter` and everything known of source, destination and connection: what stays when only the outcome differs. */
export type PeerLabels = LabelsOf<'source' | 'destination'> &
  Pick<IstioLabels, 'reporter' | 'connection_security_policy'>;

/** Istio's word for what a proxy could not find out. */
const unknown = 'unknown';
const overflow = 'other';

/**
 * Labels of calls that this workload makes.
 * @param own its SPIFFE ID
 */
export function clientLabels(workload: WorkloadInfo, call: Call, own?: string): PeerLabels {
  const destination = call.endpoint?.endpoint.workload;
  const identity: WorkloadIdentity = destination ?? missingWorkload;
  const principals = principalsOfCall(call, own);
  return {
    reporter: 'source',
    ...sourceLabels(workload),
    source_principal: known(principals.source),
    destination_workload: known(identity.name),
    destination_workload_namespace: known(identity.namespace),
    destination_principal: known(principals.destination),
    // Endpoint metadata has neither; the canonical names are made of the labels `app` and `version` unless others are set.
    destination_app: known(identity.canonicalName),
    destination_version: identity.canonicalRevision === latest ? unknown : known(identity.canonicalRevision),
    ...serviceLabels(call),
    destination_canonical_service: known(identity.canonicalName),
    destination_canonical_revision: identity.canonicalRevision || latest,
    destination_cluster: known(identity.cluster),
    // Istio: the client's side does not tell, the server's does.
    connection_security_policy: unknown,
  };
}

/** Labels of calls that this workload answers, and whose caller has shown no certificate. */
export function serverLabels(workload: WorkloadInfo, scheme: 'http' | 'https'): PeerLabels {
  const canonical = known(workload.app || workload.name);
  const namespace = known(workload.namespace);
  return {
    reporter: 'destination',
    ...sourceLabels(undefined),
    destination_workload: known(workload.name),
    destination_workload_namespace: namespace,
    destination_principal: unknown,
    destination_app: known(workload.app),
    destination_version: known(workload.version),
    // Never the Host header: a stranger chooses that (Istio switches its host header fallback off for inbound, too).
    destination_service: canonical === unknown ? unknown : `${canonical}.${namespace}.svc.cluster.local`,
    destination_service_name: canonical,
    destination_service_namespace: namespace,
    destination_canonical_service: canonical,
    destination_canonical_revision: workload.version || latest,
    destination_cluster: known(workload.clusterId),
    connection_security_policy: scheme === 'http' ? 'none' : unknown,
  };
}

/**
 * Of calls of a peer that was verified. Of its workload no more is known than its certificate says.
 * @param own the SPIFFE ID of this workload
 */
export function peerLabels(workload: WorkloadInfo, peer: PeerIdentity, own: string | undefined): PeerLabels {
  return {
    ...serverLabels(workload, 'https'),
    source_workload_namespace: known(peer.namespace),
    source_principal: peer.spiffeId,
    destination_principal: known(own),
    connection_security_policy: 'mutual_tls',
  };
}

export function withOutcome(peers: PeerLabels, protocol: 'http' | 'grpc', end: CallEnd): IstioLabels {
  return {
    ...peers,
    // Nobody has proved anything on a connection that did not come up.
    ...(end.error?.reason === 'upstream_connection_failure' && { destination_principal: unknown }),
    request_protocol: protocol,
    response_code: String(end.httpStatus),
    response_flags: flagsOf(end) ?? '-',
    grpc_response_status: end.grpcStatus === undefined ? '' : String(end.grpcStatus),
  };
}

/** Undefined for an answer of the upstream's own. */
export function flagsOf({ error, flags }: CallEnd): string | undefined {
  return error === undefined ? flags : error.flag;
}

/** Where a series goes that there is no room for: all that varies is `other`, the class of the response code is kept. */
export function overflowLabels<Labels extends PeerLabels>(labels: Labels): Labels {
  const kept = new Set<string>(['reporter', 'connection_security_policy']);
  const entries = Object.entries(labels).map(([name, value]) => {
    if (kept.has(name) || (labels.reporter === 'source' && name.startsWith('source_'))) return [name, value];
    return [name, name === 'response_code' ? responseClass(value) : overflow];
  });
  return Object.fromEntries(entries) as Labels;
}

/** Istio's default of `destination_canonical_revision`. */
const latest = 'latest';

const missingWorkload: WorkloadIdentity = {
  name: '',
  namespace: '',
  canonicalName: '',
  canonicalRevision: '',
  cluster: '',
};

function sourceLabels(workload: WorkloadInfo | undefined): LabelsOf<'source'> {
  return {
    source_workload: known(workload?.name),
    source_workload_namespace: known(workload?.namespace),
    source_canonical_service: known(workload?.app || workload?.name),
    source_canonical_revision: workload?.version || latest,
    source_app: known(workload?.app),
    source_version: known(workload?.version),
    source_principal: unknown,
    source_cluster: known(workload?.clusterId),
  };
}

function serviceLabels(call: Call) {
  const service = call.cluster?.cluster.service ?? missingService(call);
  return {
    destination_service: known(service.host),
    destination_service_name: known(service.name),
    destination_service_namespace: known(service.namespace),
  };
}

/** A cluster without identity goes by its name; a call that found no cluster by what it asked for. */
function missingService(call: Call): ServiceIdentity {
  const name = call.cluster?.cluster.name;
  if (name !== undefined) return { host: name, name, namespace: '' };
  return { host: splitAuthority(call.authority).host, name: '', namespace: '' };
}

function known(value: string | undefined): string {
  return value || unknown;
}

function responseClass(code: string): string {
  return code.length === 3 ? `${code[0]}xx` : code;
}
