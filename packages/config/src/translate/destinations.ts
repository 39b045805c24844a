import type { RouteAction_HashPolicy } from '@inmesh/xds/messages';
import { nearest } from '../nearest.js';
import type { Settings } from '../options.js';
import type { Place } from '../place.js';
import type { Destination } from '../schema/virtual-service.js';
import type { DestinationRules } from './destination-rules.js';
import { hashPoliciesFor } from './hash-policies.js';
import { resolveHost } from './hosts.js';
import { clusterName, type MeshService } from './mesh-service.js';
import type { Registry } from './registry.js';
import { policyFor } from './traffic-policy.js';

export interface FoundDestination {
  readonly cluster: string;
  readonly hash: readonly RouteAction_HashPolicy[];
}

/** Finds the clusters that routes name. */
export class Destinations {
  constructor(
    private readonly registry: Registry,
    private readonly rules: DestinationRules,
    private readonly settings: Settings,
  ) {}

  /**
   * The cluster of a destination, with an error where there is none. A destination without a port is the port that was
   * dialled, or the only one (Istio `GetDestinationCluster`).
   * @param dialled undefined when only mistakes are looked for
   */
  resolve(
    destination: Destination,
    namespace: string,
    dialled: number | undefined,
    place: Place,
  ): FoundDestination | undefined {
    const host = resolveHost(destination.host, namespace, this.settings);
    const service = this.registry.find(host);
    if (service === undefined) {
      const hint = this.registry.hintFor(host, this.settings, place);
      place.at('host').unresolved(this.registry.whyUnknown(host), hint);
      return undefined;
    }
    const port = portOf(destination, service, dialled, place);
    const subset = destination.subset ?? '';
    if (subset !== '') this.#checkSubset(subset, service, place.at('subset'));
    if (port === undefined) return undefined;
    return { cluster: clusterName(service.host, port, subset), hash: this.hashOf(service, port, subset) };
  }

  /** What calls to a cluster take their hash from. */
  hashOf(service: MeshService, port: number, subset = ''): readonly RouteAction_HashPolicy[] {
    const { policy, subsets } = this.rules.of(service);
    return hashPoliciesFor(policyFor(policy, subsets.get(subset)?.subset, port));
  }

  #checkSubset(subset: string, service: MeshService, place: Place): void {
    const { subsets, hiddenSubsets } = this.rules.of(service);
    const known = [...subsets.keys(), ...hiddenSubsets];
    if (known.includes(subset)) return;
    const near = nearest(subset, known);
    const hint =
      known.length === 0 || !place.mayHintAt(service.namespace)
        ? `a DestinationRule for ${service.host} must define it`
        : near !== undefined
          ? `did you mean "${near}"?`
          : `known: ${known.join(', ')}`;
    place.unresolved(`no DestinationRule has the subset "${subset}" of ${service.host}`, hint);
  }
}

function portOf(
  { port }: Destination,
  service: MeshService,
  dialled: number | undefined,
  place: Place,
): number | undefined {
  const numbers = service.ports.map(({ number }) => number);
  const known = `${service.host} has ${numbers.length === 0 ? 'no port' : `port ${numbers.join(', ')}`}`;
  if (port?.number !== undefined) {
    if (numbers.includes(port.number)) return port.number;
    place.at('port', 'number').unresolved(`there is no port ${port.number}: ${known}`);
    return undefined;
  }
  if (dialled !== undefined && numbers.includes(dialled)) return dialled;
  if (numbers.length === 1) return numbers[0];
  if (numbers.length === 0) place.at('host').unresolved(known);
  else if (dialled !== undefined) {
    place.at('port').unresolved(`must be given for calls to port ${dialled}: ${known}`, 'add port: { number: ... }');
  }
  return undefined;
}
