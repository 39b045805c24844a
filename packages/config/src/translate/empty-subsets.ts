import { didYouMean } from '../nearest.js';
import { ownValue } from '../own-value.js';
import type { HostRule, PlacedSubset } from './destination-rules.js';
import type { MeshService } from './mesh-service.js';
import { hasLabels, type Labels } from './workloads.js';

/** More would hide the rest of the line. */
const maxValues = 10;

/** Requests to a subset without endpoints fail. Where the service has none at all, that is no fault of the subset. */
export function sayEmptySubsets(service: MeshService, { subsets }: HostRule): void {
  const { host, ports, unready = [] } = service;
  const endpoints = ports.flatMap((port) => port.endpoints);
  if (endpoints.length === 0) return;
  const known = endpoints.flatMap(({ labels }) => (labels === undefined ? [] : [labels]));
  if (known.length === 0) sayUnlabelled(host, subsets);
  else for (const placed of subsets.values()) sayUnselective(service, placed, [...known, ...unready]);
}

function sayUnselective(
  { host, namespace }: MeshService,
  { subset, place }: PlacedSubset,
  known: readonly Labels[],
): void {
  const wanted = subset.labels ?? {};
  if (known.some((labels) => hasLabels(labels, wanted))) return;
  const written = Object.entries(wanted).map(([key, value]) => `${key}: ${value}`);
  place.warn(
    `no endpoint of ${host} has the labels { ${written.join(', ')} }: requests to "${subset.name}" fail`,
    place.mayHintAt(namespace) ? hintForLabels(wanted, known) : undefined,
  );
}

/** Names what the endpoints have instead of the first label that none of them has. */
function hintForLabels(wanted: Labels, known: readonly Labels[]): string | undefined {
  for (const [key, value] of Object.entries(wanted)) {
    const values = new Set(known.flatMap((labels) => ownValue(labels, key) ?? []));
    if (values.size === 0)
      return didYouMean(key, new Set(known.flatMap((labels) => Object.keys(labels)))) ?? `none has the label "${key}"`;
    if (!values.has(value)) return `they have ${key}: ${[...values].sort().slice(0, maxValues).join(', ')}`;
  }
  return undefined;
}

/** Most often only the Pods are missing. */
function sayUnlabelled(host: string, subsets: HostRule['subsets']): void {
  for (const { place } of [...subsets.values()].slice(0, 1)) {
    place.warn(
      `nothing is known of the labels of any endpoint of ${host}: its subsets are empty`,
      'Pods are needed beside the EndpointSlices, labels on the endpoints of a ServiceEntry',
    );
  }
}
