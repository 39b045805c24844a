import { create } from '@bufbuild/protobuf';
import { type Route, type RouteMatch, RouteSchema } from '@inmesh/xds/messages';
import type { Place } from '../place.js';
import type { ReadObject } from '../read-objects.js';
import type { Backends, RouteOrigin } from './backends.js';
import type { ActionFields } from './http-rule-actions.js';

type Source = ReadObject<unknown>;

/** The higher number wins, from the first on. All of one kind of route are of one length. */
export type MatchRank = readonly number[];

export interface ReadMatch {
  readonly rank: MatchRank;
  /** Any of them has to hold. */
  readonly matches: readonly RouteMatch[];
}

export interface ReadRule {
  readonly name: string | undefined;
  readonly matches: readonly ReadMatch[];
  /** What is done with a request; what replaces a prefix depends on the match. */
  readonly build: (match: RouteMatch) => ActionFields;
}

/** What one match becomes, and what decides where it stands among the others of its Service. */
export interface RankedRoute {
  readonly rank: MatchRank;
  readonly source: Source;
  readonly routes: readonly Route[];
}

export interface RouteContext {
  readonly backends: Backends;
  /** The port of the Service; undefined when only mistakes are looked for. */
  readonly dialled: number | undefined;
}

export function rankRoutes(kind: RouteOrigin['kind'], source: Source, rules: readonly ReadRule[]): RankedRoute[] {
  const { name, namespace, place } = source;
  checkNames(rules, place.at('spec', 'rules'));
  const config = `/apis/gateway.networking.k8s.io/v1/namespaces/${namespace}/${kind.toLowerCase()}/${name}`;
  return rules.flatMap((rule, index) =>
    rule.matches.map(({ rank, matches }): RankedRoute => {
      const routes = matches.map((match) =>
        create(RouteSchema, {
          name: rule.name ?? `${namespace}.${name}.${index}`,
          match,
          ...rule.build(match),
          metadata: { filterMetadata: { istio: { config } } },
        }),
      );
      return { rank, source, routes };
    }),
  );
}

function checkNames(rules: readonly ReadRule[], place: Place): void {
  const names = new Set<string>();
  for (const [index, { name }] of rules.entries()) {
    if (name === undefined) continue;
    if (names.has(name)) place.at(index, 'name').error(`the name "${name}" is used by another rule`);
    names.add(name);
  }
}

/** By rank, then the older route, then the name; what is left keeps its order. */
export function byPrecedence(a: RankedRoute, b: RankedRoute): number {
  for (const [index, value] of a.rank.entries()) {
    if (value !== b.rank[index]) return b.rank[index]! - value;
  }
  return compare(ageAndName(a.source), ageAndName(b.source));
}

function ageAndName({ metadata, namespace, name }: Source): string {
  return `${metadata.creationTimestamp ?? '~'} ${namespace}/${name}`;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
