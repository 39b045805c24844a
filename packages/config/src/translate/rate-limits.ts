import type { Route } from '@inmesh/xds/messages';
import { sameItems } from '../memory.js';
import type { ConfigObject } from '../objects.js';
import type { Settings } from '../options.js';
import { Place } from '../place.js';
import { object } from '../schema/field.js';
import { type Limit, limitsFields } from '../schema/rate-limits.js';
import { read } from '../schema/read.js';
import { resolveHost } from './hosts.js';
import { type BuiltRateLimit, buildRateLimit } from './local-rate-limit.js';
import type { MeshService } from './mesh-service.js';
import type { Registry } from './registry.js';

interface PlacedLimit {
  readonly limit: BuiltRateLimit;
  /** Undefined: of all hosts. */
  readonly hosts: ReadonlySet<string> | undefined;
}

/** The limits of `limits` documents, by name, so that equal documents in any order give equal routes. */
export class RateLimits {
  readonly #byName = new Map<string, PlacedLimit>();
  readonly #firstOfName = new Map<string, Place>();

  constructor(
    documents: readonly ConfigObject[],
    private readonly registry: Registry,
    private readonly settings: Settings,
  ) {
    const { memory } = settings;
    for (const document of documents) {
      const place = Place.of(document, memory);
      const body = memory.recall(document, 'limits', [], () => read(document.body, object(limitsFields), place));
      for (const [index, limit] of (body?.limits ?? []).entries()) this.#add(limit, place.at('limits', index));
    }
  }

  /** The routes of a host with its limits on each. */
  addTo({ host }: MeshService, routes: readonly Route[]): readonly Route[] {
    const limits = this.settings.memory.ask('rateLimits', (all) => all.#limitsOf(host), sameItems);
    return limits.length === 0 ? routes : routes.map((route) => withLimits(route, limits));
  }

  #limitsOf(host: string): readonly BuiltRateLimit[] {
    return [...this.#byName.values()]
      .filter(({ hosts }) => hosts === undefined || hosts.has(host))
      .map(({ limit }) => limit)
      .sort((a, b) => (a.key < b.key ? -1 : 1));
  }

  #add(limit: Limit, place: Place): void {
    const { destination } = limit;
    const host = destination === undefined ? undefined : resolveHost(destination, this.#namespace, this.settings);
    const name = limit.name ?? defaultName(limit, host);
    const first = this.#firstOfName.get(name);
    if (first !== undefined) {
      const hint = 'give it another name, or leave one of the two out';
      place.error(`there is already a limit "${name}" in ${first.reference}: they would count together`, hint);
      return;
    }
    this.#firstOfName.set(name, place);
    const hosts = host === undefined ? undefined : new Set(this.registry.matching(host).map((service) => service.host));
    if (host !== undefined && hosts?.size === 0) this.#sayUnknown(host, place.at('destination'));
    const built = this.settings.memory.recall(limit, 'built', [name], () => buildRateLimit(limit, name));
    this.#byName.set(name, { limit: built, hosts });
  }

  get #namespace(): string {
    return this.settings.defaultNamespace;
  }

  #sayUnknown(host: string, place: Place): void {
    const hint = this.registry.hintFor(host, this.settings, place);
    place.warn(`${this.registry.whyUnknown(host)}: the limit applies to no call`, hint);
  }
}

/** The same in every process that reads the same limit, since those of one name count together. */
function defaultName(limit: Limit, host = '*'): string {
  const { requests, per, sourceAddress, method, path, headers = {} } = limit;
  const conditions = {
    ...(sourceAddress !== undefined && { sourceAddress }),
    ...(method !== undefined && { method }),
    ...(path !== undefined && { path }),
    ...Object.fromEntries(Object.entries(headers).sort(([a], [b]) => (a < b ? -1 : 1))),
  };
  const written = Object.entries(conditions).map(([key, value]) => ` ${key}=${value}`);
  return `${host} ${requests}/${per}${written.join('')}`;
}

function withLimits(route: Route, limits: readonly BuiltRateLimit[]): Route {
  const { action } = route;
  // Only what is forwarded has a place for actions, which limits with conditions cannot do without.
  const applied = limits.filter(({ actions }) => action.case === 'route' || actions === undefined);
  const typedPerFilterConfig = {
    ...route.typedPerFilterConfig,
    ...Object.fromEntries(applied.map(({ key, config }) => [key, config])),
  };
  if (action.case !== 'route') return { ...route, typedPerFilterConfig };
  const rateLimits = [...action.value.rateLimits, ...applied.flatMap(({ actions = [] }) => actions)];
  return { ...route, typedPerFilterConfig, action: { case: 'route', value: { ...action.value, rateLimits } } };
}
