import type { Client } from '../client.js';
import type { Settings } from '../options.js';
import type { ObjectsByKind } from '../read-objects.js';
import { resolveHost, wildcardsOf } from './hosts.js';
import type { MeshService } from './mesh-service.js';
import { isExportedTo } from './visibility.js';

export type Rule = ObjectsByKind['DestinationRule'][number];

/** The DestinationRules of each namespace by host. */
export class VisibleRules {
  readonly #namespaces = new Map<string, Map<string, Rule[]>>();
  readonly #client: Client;
  readonly #rootNamespace: string;

  constructor(rules: readonly Rule[], settings: Settings) {
    this.#client = settings.client;
    this.#rootNamespace = settings.rootNamespace;
    for (const rule of rules) this.#add(rule, settings);
  }

  /**
   * Those of the client's own namespace, else those that the service's namespace exports, else those that the root
   * namespace exports; in each for the host itself, else for the longest wildcard (Istio `destinationRule`,
   * `MostSpecificHostMatch`).
   */
  of({ host, namespace }: MeshService): readonly Rule[] {
    const candidates = this.#candidates(host);
    if (candidates.size === 0) return [];
    const exported = this.#exported(candidates, namespace);
    const [only] = candidates.values();
    // Where all of the only rules are exported, it makes no difference who asks.
    if (candidates.size === 1 && only!.length === exported.length) return exported;
    return this.#ownOf(candidates) ?? exported;
  }

  /** Those that other clients see, too. */
  forAnyClient({ host }: MeshService): readonly Rule[] {
    return [...this.#candidates(host).values()].flat();
  }

  #candidates(host: string): Map<string, readonly Rule[]> {
    const candidates = new Map<string, readonly Rule[]>();
    for (const [name, byHost] of this.#namespaces) {
      const found = mostSpecific(byHost, host);
      if (found !== undefined) candidates.set(name, found);
    }
    return candidates;
  }

  #add(rule: Rule, settings: Settings): void {
    const host = resolveHost(rule.body.spec.host, rule.namespace, settings);
    const byHost = this.#namespaces.get(rule.namespace) ?? new Map<string, Rule[]>();
    this.#namespaces.set(rule.namespace, byHost);
    const same = byHost.get(host);
    if (same === undefined) byHost.set(host, [rule]);
    else same.push(rule);
  }

  #exported(candidates: ReadonlyMap<string, readonly Rule[]>, namespace: string): readonly Rule[] {
    for (const place of new Set([namespace, this.#rootNamespace])) {
      const rules = (candidates.get(place) ?? []).filter(
        ({ body: { spec } }) =>
          // What is for some workloads of its namespace is not for others.
          spec.workloadSelector === undefined && isExportedTo(spec.exportTo, place, this.#client),
      );
      if (rules.length > 0) return rules;
    }
    return [];
  }

  /** A rule of its own namespace needs no export; one that selects the client comes before one for all. */
  #ownOf(candidates: ReadonlyMap<string, readonly Rule[]>): readonly Rule[] | undefined {
    let own: readonly Rule[] | undefined;
    for (const [namespace, rules] of candidates) {
      const selecting = rules.filter(({ body }) => this.#selects(body.spec.workloadSelector));
      const forAll = rules.filter(({ body }) => body.spec.workloadSelector === undefined);
      const found = selecting.length > 0 ? selecting : forAll;
      if (this.#client.isIn(namespace) && found.length > 0) own = found;
    }
    return own;
  }

  #selects(selector: Rule['body']['spec']['workloadSelector']): boolean {
    return selector !== undefined && this.#client.hasLabels(selector.matchLabels ?? {});
  }
}

function mostSpecific(byHost: ReadonlyMap<string, Rule[]>, host: string): readonly Rule[] | undefined {
  const exact = byHost.get(host);
  if (exact !== undefined) return exact;
  for (const wildcard of wildcardsOf(host)) {
    const found = byHost.get(wildcard);
    if (found !== undefined) return found;
  }
  return undefined;
}
