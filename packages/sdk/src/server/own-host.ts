import type { WorkloadInfo } from '../mesh-internals.js';

/**
 * The name of this workload's own service, as far as it is known: Kubernetes gives a service the name of the label `app`
 * that it selects by. Policies of its routes hold for requests that came by another name, such as an address.
 */
export function ownHost({ app, name, namespace }: WorkloadInfo): string {
  const service = app || name;
  return service === '' || namespace === '' ? service : `${service}.${namespace}`;
}
