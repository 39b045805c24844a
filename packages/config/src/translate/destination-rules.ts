import type { Settings } from '../options.js';
import type { Place } from '../place.js';
import type { ObjectsByKind, ReadObject } from '../read-objects.js';
import type { DestinationRule, Subset, TrafficPolicy } from '../schema/destination-rule.js';
import { isWildcard, resolveHost, wildcardsOf } from './hosts.js';
import type { MeshService } from './mesh-service.js';
import type { Registry } from './registry.js';

export interface PlacedSubset {
  readonly subset: Subset;
  readonly place: Place;
}

/** What all DestinationRules of a host say together. */
export interface HostRule {
  readonly policy: TrafficPolicy | undefined;
  /** By name. */
  readonly subsets: ReadonlyMap<string, PlacedSubset>;
}

type Rule = ReadObject<DestinationRule>;

const noRule: HostRule = { policy: undefined, subsets: new Map() };

/** DestinationRules by host: the host itself, else the longest wildcard that matches (Istio `MostSpecificHostMatch`). */
export class DestinationRules {
  readonly #rules = new Map<string, Rule[]>();
  readonly #merged = new Map<string, HostRule>();

  constructor(rules: ObjectsByKind['DestinationRule'], registry: Registry, settings: Settings) {
    for (const rule of rules) {
      const host = resolveHost(rule.body.spec.host, rule.namespace, settings);
      checkSubsets(rule);
      if (!isWildcard(host) && registry.matching(host).length === 0) sayUnused(rule, host, registry, settings);
      const same = this.#rules.get(host);
      if (same === undefined) this.#rules.set(host, [rule]);
      else same.push(rule);
    }
  }

  of(service: MeshService): HostRule {
    const known = this.#merged.get(service.host);
    if (known !== undefined) return known;
    const merged = mergeRules(this.#find(service.host), service);
    this.#merged.set(service.host, merged);
    return merged;
  }

  #find(host: string): readonly Rule[] {
    const exact = this.#rules.get(host);
    if (exact !== undefined) return exact;
    for (const wildcard of wildcardsOf(host)) {
      const found = this.#rules.get(wildcard);
      if (found !== undefined) return found;
    }
    return [];
  }
}

/**
 * Of several rules for one host the first trafficPolicy counts, and subsets of new names are added (Istio
 * `mergeDestinationRule`). Rules of the service's own namespace come before those of others.
 */
function mergeRules(rules: readonly Rule[], { namespace, host }: MeshService): HostRule {
  const own = rules.filter((rule) => rule.namespace === namespace);
  const [first, ...others] = [...own, ...rules.filter((rule) => rule.namespace !== namespace)];
  if (first === undefined) return noRule;
  for (const other of others) {
    other.place
      .at('spec', 'host')
      .warn(`${first.place.reference} is for ${host}, too: only new subsets are taken from here`, 'join the two rules');
  }
  const subsets = new Map<string, PlacedSubset>();
  for (const rule of [first, ...others]) {
    for (const [index, subset] of (rule.body.spec.subsets ?? []).entries()) {
      if (!subsets.has(subset.name))
        subsets.set(subset.name, { subset, place: rule.place.at('spec', 'subsets', index) });
    }
  }
  const policy = [first, ...others].find(({ body }) => body.spec.trafficPolicy !== undefined)?.body.spec.trafficPolicy;
  return { policy, subsets };
}

function checkSubsets({ body, place }: Rule): void {
  const names = new Set<string>();
  for (const [index, { name }] of (body.spec.subsets ?? []).entries()) {
    if (names.has(name)) place.at('spec', 'subsets', index, 'name').error(`the subset "${name}" is there twice`);
    names.add(name);
  }
}

function sayUnused({ place }: Rule, host: string, registry: Registry, settings: Settings): void {
  place.at('spec', 'host').warn(`${registry.whyUnknown(host)}: not used`, registry.hintFor(host, settings));
}
