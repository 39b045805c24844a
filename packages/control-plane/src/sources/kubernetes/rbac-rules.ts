import { leases } from '../../kubernetes/leader/lease-record.js';
import { customResourceDefinitions } from './crd-watch.js';
import { lastGoodName } from './last-good/kept-last-good.js';
import { configMaps } from './referenced-config-maps.js';
import { secrets } from './referenced-secrets.js';
import { watchedKinds } from './watched-kinds.js';

/** A rule of a Role or ClusterRole. */
export interface PolicyRule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  /** Default: all. */
  readonly resourceNames?: readonly string[];
  readonly verbs: readonly string[];
}

const reading = ['get', 'list', 'watch'];

function rulesFor(resources: readonly { group: string; plural: string }[], verbs: readonly string[]): PolicyRule[] {
  const groups = [...new Set(resources.map(({ group }) => group))];
  return groups.map((group) => ({
    apiGroups: [group],
    resources: resources.filter((one) => one.group === group).map(({ plural }) => plural),
    verbs,
  }));
}

const statuses = watchedKinds
  .filter(({ hasStatus }) => hasStatus)
  .map(({ type: { group, plural } }) => ({ group, plural: `${plural}/status` }));

/**
 * What a config server of a cluster needs and no more. `cluster` is for a ClusterRole; where it is to see some namespaces only,
 * a Role in each of them with the same rules is enough, but for Nodes and CustomResourceDefinitions. `own` is for a Role in its
 * own namespace. `secrets` goes with `cluster` where DestinationRules name certificates (`credentialName`).
 */
export const kubernetesRules = Object.freeze({
  cluster: [
    ...rulesFor([...watchedKinds.map(({ type }) => type), configMaps, customResourceDefinitions], reading),
    ...rulesFor(statuses, ['patch']),
  ] as readonly PolicyRule[],
  own: [
    ...rulesFor([leases], ['get', 'create', 'update']),
    // What is created has no name yet that a rule could be about.
    ...rulesFor([configMaps], ['create']),
    ...rulesFor([configMaps], ['list', 'watch', 'update']).map((rule) => ({ ...rule, resourceNames: [lastGoodName] })),
  ] as readonly PolicyRule[],
  secrets: rulesFor([secrets], reading) as readonly PolicyRule[],
});
