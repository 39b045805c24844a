import type { JsonObject, JsonValue } from '@bufbuild/protobuf';
import type { ServiceIdentity, WorkloadIdentity } from '@inmesh/core';
import type { Metadata } from '../messages.js';

/**
 * The service behind a cluster, as Istio writes it: `filter_metadata.istio.services[0]` with `host`, `name`, `namespace`.
 * Undefined when absent; it serves telemetry only, so a malformed one is no error.
 */
export function serviceOf(metadata: Metadata | undefined): ServiceIdentity | undefined {
  const services = metadata?.filterMetadata.istio?.services;
  const service = Array.isArray(services) ? services[0] : undefined;
  if (!isObject(service)) return undefined;
  return { host: textOf(service.host), name: textOf(service.name), namespace: textOf(service.namespace) };
}

/** The workload behind an endpoint: `filter_metadata.istio.workload`, «name;namespace;canonical name;revision;cluster». */
export function workloadOf(metadata: Metadata | undefined): WorkloadIdentity | undefined {
  const written = metadata?.filterMetadata.istio?.workload;
  if (typeof written !== 'string') return undefined;
  const [name = '', namespace = '', canonicalName = '', canonicalRevision = '', cluster = ''] = written.split(';');
  return { name, namespace, canonicalName, canonicalRevision, cluster };
}

/** Whether an endpoint takes the mesh's own TLS: `filter_metadata["envoy.transport_socket_match"].tlsMode` is "istio". */
export function takesMeshTls(metadata: Metadata | undefined): boolean {
  return metadata?.filterMetadata['envoy.transport_socket_match']?.tlsMode === 'istio';
}

function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function textOf(value: JsonValue | undefined): string {
  return typeof value === 'string' ? value : '';
}
