import type { ClusterLoadAssignment, MeshResources } from '@inmesh/core';

/**
 * Counts the endpoints of a configuration, each address once: it stands in the assignments of all subsets that it belongs
 * to. Of the next configuration only those assignments are looked into that are others.
 */
export class EndpointCount {
  readonly #users = new Map<string, number>();
  #counted = new Set<ClusterLoadAssignment>();

  of({ assignments, clusters }: Pick<MeshResources, 'assignments' | 'clusters'>): number {
    const now = new Set(assignments.values());
    for (const { discovery } of clusters.values()) if (discovery.kind === 'static') now.add(discovery.assignment);
    for (const assignment of now) if (!this.#counted.has(assignment)) this.#add(assignment, 1);
    for (const assignment of this.#counted) if (!now.has(assignment)) this.#add(assignment, -1);
    this.#counted = now;
    return this.#users.size;
  }

  #add({ localities }: ClusterLoadAssignment, by: 1 | -1): void {
    for (const { endpoints } of localities) {
      for (const { address } of endpoints) {
        const users = (this.#users.get(address) ?? 0) + by;
        if (users === 0) this.#users.delete(address);
        else this.#users.set(address, users);
      }
    }
  }
}
