import type { KubernetesObject, ObjectName, ResourceType } from '../client/objects.js';

export const leases: ResourceType = {
  group: 'coordination.k8s.io',
  version: 'v1',
  plural: 'leases',
  kind: 'Lease',
  namespaced: true,
};

export interface Lease extends KubernetesObject {
  readonly spec?: LeaseSpec | undefined;
}

export interface LeaseSpec {
  readonly holderIdentity?: string;
  readonly leaseDurationSeconds?: number;
  /** By the holder's clock, so for people alone. */
  readonly acquireTime?: string;
  readonly renewTime?: string;
  readonly leaseTransitions?: number;
}

export interface Claim {
  readonly identity: string;
  readonly leaseMs: number;
  /** Wall clock, in ms. */
  readonly now: number;
}

/** The lease as it is when this one holds it. @param before undefined: there was none */
export function claimed({ namespace, name }: ObjectName, before: Lease | undefined, claim: Claim): Lease {
  const { identity, leaseMs, now } = claim;
  const spec = before?.spec;
  const isMine = spec?.holderIdentity === identity;
  const transitions = spec?.leaseTransitions ?? 0;
  const metadata = before?.metadata ?? { name, ...(namespace !== undefined && { namespace }) };
  return {
    ...before,
    metadata,
    spec: {
      holderIdentity: identity,
      leaseDurationSeconds: Math.ceil(leaseMs / 1000),
      acquireTime: isMine && spec.acquireTime !== undefined ? spec.acquireTime : microTime(now),
      renewTime: microTime(now),
      leaseTransitions: isMine || before === undefined ? transitions : transitions + 1,
    },
  };
}

/** As client-go leaves it: nobody's, and over in a second for whoever does not look at the holder. */
export function released(lease: Lease, now: number): Lease {
  const { leaseTransitions = 0 } = lease.spec ?? {};
  const at = microTime(now);
  const spec = { holderIdentity: '', leaseDurationSeconds: 1, acquireTime: at, renewTime: at, leaseTransitions };
  return { ...lease, spec };
}

/** RFC 3339 with six digits, which is all that MicroTime takes. */
function microTime(ms: number): string {
  return new Date(ms).toISOString().replace('Z', '000Z');
}
