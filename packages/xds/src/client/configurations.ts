import type { MeshResources } from '@inmesh/core';
import { assemble, hasSameReferences, isSameConfiguration } from './assemble.js';
import type { ResourceStore } from './resource-store.js';

export interface NextConfiguration {
  readonly resources: MeshResources;
  /** Whether something was in use until now that may not be needed any more. */
  readonly isReferringElsewhere: boolean;
}

/** Makes one configuration after another of a store: of nothing but what has changed, where that is endpoints alone. */
export class Configurations {
  /** Whether the last one holds all that was in the store then. */
  #isCurrent = false;

  constructor(private readonly store: ResourceStore) {}

  /** Undefined when there is none yet, or none that differs from what is published. */
  next(published: MeshResources | undefined): NextConfiguration | undefined {
    const changed = this.#takeChanged();
    if (published !== undefined && this.#isCurrent && changed !== 'anything') {
      const resources = withAssignments(published, changed, this.store);
      return resources && { resources, isReferringElsewhere: false };
    }
    const resources = assemble(this.store, published);
    this.#isCurrent = resources !== undefined;
    if (resources === undefined || (published && isSameConfiguration(resources, published))) return undefined;
    return { resources, isReferringElsewhere: published !== undefined && !hasSameReferences(resources, published) };
  }

  /** The names of endpoints of which only the value is another one, if that is all. */
  #takeChanged(): ReadonlySet<string> | 'anything' {
    const { listener, route, cluster, endpoint } = this.store;
    const others = [listener, route, cluster].map((of) => of.takeChanges());
    const endpoints = endpoint.takeChanges();
    return others.some((changes) => changes === 'anything' || changes.size > 0) ? 'anything' : endpoints;
  }
}

/** A name that is not in use stays so: what is in use depends on what there is, and not on its value. */
function withAssignments(
  published: MeshResources,
  names: ReadonlySet<string>,
  { endpoint }: ResourceStore,
): MeshResources | undefined {
  const assignments = new Map(published.assignments);
  let isChanged = false;
  for (const name of names) {
    const before = assignments.get(name);
    const now = endpoint.valueOf(name);
    if (before === undefined || now === undefined || now === before) continue;
    assignments.set(name, now);
    isChanged = true;
  }
  return isChanged ? { ...published, assignments } : undefined;
}
