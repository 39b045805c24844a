import type { Memory } from '../memory.js';
import type { Settings } from '../options.js';
import type { Place } from '../place.js';
import type { ObjectsByKind, ReadObject } from '../read-objects.js';
import type { DestinationRule, Subset, TrafficPolicy } from '../schema/destination-rule.js';
import { checkPolicies } from './check-policies.js';
import { isWildcard, resolveHost } from './hosts.js';
import type { MeshService } from './mesh-service.js';
import type { Registry } from './registry.js';
import { type Rule, VisibleRules } from './visible-rules.js';

export interface PlacedSubset {
  readonly subset: Subset;
  readonly place: Place;
}

/** What all DestinationRules of a host say together. */
export interface HostRule {
  readonly policy: TrafficPolicy | undefined;
  /** By name. */
  readonly subsets: ReadonlyMap<string, PlacedSubset>;
  /** Names that only rules for other clients define: for this one there is nothing in them (Istio answers 503, too). */
  readonly hiddenSubsets: readonly string[];
}

const noRule: HostRule = { policy: undefined, subsets: new Map(), hiddenSubsets: [] };

/** What DestinationRules say of a service to this client. */
export class DestinationRules {
  readonly #visible: VisibleRules;
  readonly #merged = new Map<string, HostRule>();
  readonly #memory: Memory;

  constructor(rules: ObjectsByKind['DestinationRule'], registry: Registry, settings: Settings) {
    this.#memory = settings.memory;
    this.#visible = new VisibleRules(rules, settings);
    settings.memory.recallRuns('checks', rules, (run) => {
      for (const rule of run) checkRule(rule, registry, settings);
    });
  }

  of(service: MeshService): HostRule {
    return this.#memory.ask('destinationRules', (rules) => rules.#of(service));
  }

  #of(service: MeshService): HostRule {
    const known = this.#merged.get(service.host);
    if (known !== undefined) return known;
    const merged = this.#merge(service);
    this.#merged.set(service.host, merged);
    return merged;
  }

  #merge(service: MeshService): HostRule {
    const all = this.#visible.forAnyClient(service);
    const [first] = all;
    if (first === undefined) return noRule;
    const rules = this.#visible.of(service);
    const inputs = [service.host, rules.length, ...rules, ...all];
    return this.#memory.recall(first, 'host rule', inputs, () => mergeRules(rules, all, service.host));
  }
}

/**
 * Of several rules for one host the first trafficPolicy counts, and subsets of new names are added (Istio
 * `mergeDestinationRule`).
 */
function mergeRules(rules: readonly Rule[], all: readonly Rule[], host: string): HostRule {
  const [first, ...others] = rules;
  for (const other of others) {
    other.place
      .at('spec', 'host')
      .warn(
        `${first!.place.reference} is for ${host}, too: only new subsets are taken from here`,
        'join the two rules',
      );
  }
  const subsets = new Map<string, PlacedSubset>();
  for (const rule of rules) {
    for (const [index, subset] of (rule.body.spec.subsets ?? []).entries()) {
      if (!subsets.has(subset.name))
        subsets.set(subset.name, { subset, place: rule.place.at('spec', 'subsets', index) });
    }
  }
  const policy = rules.find(({ body }) => body.spec.trafficPolicy !== undefined)?.body.spec.trafficPolicy;
  const named = all.flatMap(({ body }) => (body.spec.subsets ?? []).map(({ name }) => name));
  const hiddenSubsets = [...new Set(named)].filter((name) => !subsets.has(name));
  return { policy, subsets, hiddenSubsets };
}

function checkRule(rule: Rule, registry: Registry, settings: Settings): void {
  const host = resolveHost(rule.body.spec.host, rule.namespace, settings);
  settings.memory.recall(rule, 'check', [], () => {
    checkSubsets(rule);
    checkPolicies(rule);
  });
  if (!isWildcard(host) && registry.matching(host).length === 0) sayUnused(rule, host, registry, settings);
}

function checkSubsets({ body, place }: ReadObject<DestinationRule>): void {
  const names = new Set<string>();
  for (const [index, { name }] of (body.spec.subsets ?? []).entries()) {
    if (names.has(name)) place.at('spec', 'subsets', index, 'name').error(`the subset "${name}" is there twice`);
    names.add(name);
  }
}

function sayUnused({ place }: Rule, host: string, registry: Registry, settings: Settings): void {
  const hint = registry.hintFor(host, settings, place);
  place.at('spec', 'host').unresolved(`${registry.whyUnknown(host)}: not used`, hint, 'warning');
}
