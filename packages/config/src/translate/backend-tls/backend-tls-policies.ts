import { create } from '@bufbuild/protobuf';
import { SecretSchema, type Secret as WireSecret } from '@inmesh/xds/messages';
import type { Memory } from '../../memory.js';
import type { Settings } from '../../options.js';
import type { Place } from '../../place.js';
import type { ObjectsByKind, ReadObject } from '../../read-objects.js';
import type { BackendTlsPolicy, ConfigMap, TargetRef } from '../../schema/backend-tls-policy.js';
import type { MeshPort, MeshService } from '../mesh-service.js';
import type { Registry } from '../registry.js';
import type { ClusterPolicy } from '../traffic-policy.js';
import type { BackendTls } from './backend-tls.js';
import { findTarget, targetKey } from './find-target.js';
import { readPolicy } from './read-policy.js';

type Policy = ReadObject<BackendTlsPolicy>;
type FindTarget = (ref: TargetRef, namespace: string, at: Place) => string | undefined;

/**
 * How BackendTLSPolicies want Services to be connected to. Of several for one target the oldest counts, and one for a port
 * goes before one for the whole Service.
 */
export class BackendTlsPolicies {
  /** By host and the name of the port, which is empty for the whole Service. */
  readonly #attached = new Map<string, BackendTls>();
  readonly #memory: Memory;

  constructor(
    { BackendTLSPolicy, ConfigMap: maps }: Pick<ObjectsByKind, 'BackendTLSPolicy' | 'ConfigMap'>,
    registry: Registry,
    { memory, clusterDomain }: Settings,
  ) {
    this.#memory = memory;
    const byName = memory.recall(maps, 'by name', [], () => new Map(maps.map((map) => [keyOf(map), map])));
    const targetOf: FindTarget = (ref, namespace, at) => findTarget(ref, namespace, registry, clusterDomain, at);
    for (const policy of BackendTLSPolicy) this.#attach(policy, this.#read(policy, byName), targetOf);
  }

  of({ host }: MeshService, { name }: MeshPort): BackendTls | undefined {
    return this.#memory.ask('backendTls', (policies) => policies.#of(host, name));
  }

  /** The authorities that are in use, by the names under which clusters ask for them. */
  secrets(): ReadonlyMap<string, WireSecret> {
    const secrets = new Map<string, WireSecret>();
    for (const tls of this.#attached.values()) {
      const secret = this.#memory.recall(tls, 'secret', [], () => secretOf(tls));
      if (secret !== undefined) secrets.set(secret.name, secret);
    }
    return secrets;
  }

  #of(host: string, port: string): BackendTls | undefined {
    return this.#attached.get(targetKey(host, port)) ?? this.#attached.get(targetKey(host, ''));
  }

  #read(policy: Policy, maps: ReadonlyMap<string, ReadObject<ConfigMap>>): BackendTls {
    const { caCertificateRefs = [] } = policy.body.spec.validation;
    const named = caCertificateRefs.map(({ name }) => maps.get(keyOf({ namespace: policy.namespace, name })));
    return this.#memory.recall(policy, 'backend tls', named, () => readPolicy(policy, named, this.#memory));
  }

  #attach({ namespace, body, place }: Policy, tls: BackendTls, targetOf: FindTarget): void {
    for (const [index, ref] of body.spec.targetRefs.entries()) {
      const at = place.at('spec', 'targetRefs', index);
      const key = targetOf(ref, namespace, at);
      const older = key === undefined ? undefined : this.#attached.get(key);
      if (older !== undefined && older !== tls) {
        at.unresolved(
          `${older.place.reference} is for the same target, and goes first: not used`,
          undefined,
          'warning',
        );
      } else if (key !== undefined) this.#attached.set(key, tls);
    }
  }
}

/** @param policy what a DestinationRule says of the port */
export function sayOverridden({ place }: BackendTls, { host }: MeshService, { tls }: ClusterPolicy): void {
  if (tls === undefined) return;
  const message = `not used for ${host}: a DestinationRule says tls.mode ${tls.mode ?? 'DISABLE'} for it`;
  place.at('spec', 'validation').unresolved(message, 'take tls out of the DestinationRule', 'warning');
}

function keyOf({ namespace, name }: { readonly namespace: string; readonly name: string }): string {
  return `${namespace}/${name}`;
}

function secretOf({ trust }: BackendTls): WireSecret | undefined {
  if (trust.kind !== 'bundle') return undefined;
  const trustedCa = { specifier: { case: 'inlineBytes', value: Buffer.from(trust.certificates) } as const };
  return create(SecretSchema, { name: trust.name, type: { case: 'validationContext', value: { trustedCa } } });
}
