import type { Locality, MeshEndpoint } from './mesh-service.js';

/** The endpoints of one locality and one priority. */
export interface LocalityGroup {
  readonly locality: Locality;
  readonly priority: number;
  readonly weight: number;
  readonly endpoints: readonly MeshEndpoint[];
}

/** @param rankOf lower ranks are asked first; they become priorities from 0 on, without gaps, as Envoy wants them */
export function groupEndpoints(
  endpoints: readonly MeshEndpoint[],
  rankOf: (endpoint: MeshEndpoint) => number = () => 0,
): LocalityGroup[] {
  const ranks = new Map(endpoints.map((endpoint) => [endpoint, rankOf(endpoint)]));
  const priorities = [...new Set(ranks.values())].sort((a, b) => a - b);
  const groups = new Map<string, { priority: number; endpoints: MeshEndpoint[] }>();
  for (const endpoint of endpoints) {
    const priority = priorities.indexOf(ranks.get(endpoint)!);
    const key = `${String(priority).padStart(6, '0')} ${keyOf(endpoint.locality)}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { priority, endpoints: [endpoint] });
    else group.endpoints.push(endpoint);
  }
  const sorted = [...groups].sort(([a], [b]) => (a < b ? -1 : 1));
  return sorted.map(([, group]) => ({
    ...group,
    locality: group.endpoints[0]!.locality,
    weight: group.endpoints.reduce((sum, { weight }) => sum + (weight ?? 1), 0),
  }));
}

function keyOf({ region, zone, subZone }: Locality): string {
  return `${region}/${zone}/${subZone}`;
}
