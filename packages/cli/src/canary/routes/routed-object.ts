import { isRecord } from '@inmesh/config';
import type { Destination } from './destination.js';

/** One of the destinations of a rule. */
export interface Share {
  readonly destination: Destination;
  /** To its weight, from the object on. */
  readonly path: readonly (string | number)[];
  /** As it is written; undefined where nothing is. */
  readonly written: number | undefined;
  /** What that means. */
  readonly weight: number;
}

/** A rule that forwards. */
export interface Rule {
  /** `spec.http[0]`, with its name where it has one. */
  readonly label: string;
  readonly shares: readonly Share[];
  /** Of each of its shares without one. */
  readonly defaultWeight: number;
}

export type Fields = Readonly<Record<string, unknown>>;

/** A kind of objects whose routes have weights. */
export interface RoutedKind {
  readonly kind: string;
  /** As kubectl takes them. */
  readonly aliases: readonly string[];
  readonly group: string;
  /** The first that the API server has. */
  readonly versions: readonly string[];
  readonly plural: string;
  /** The field of `spec` with the rules; Kubernetes knows one owner of all that is in it. */
  readonly rules: string;
  /** The field of a rule with the destinations. */
  readonly shares: string;
  destination(share: Fields, context: RouteContext): Destination;
  /** Of a destination without one, in a rule with so many of them. */
  defaultWeight(count: number): number;
  /** What there is to add where a destination is missing, by the example of one that is there. */
  lineFor(example: Fields, version: string, target: string): string;
}

export interface RouteContext {
  readonly namespace: string;
  readonly clusterDomain: string;
}

/** @throws Error that names the weight that is none */
export function rulesOf(kind: RoutedKind, object: Fields, context: RouteContext): Rule[] {
  return listOf(fieldsOf(object.spec)[kind.rules]).map((rule, at): Rule => {
    const shares = listOf(rule[kind.shares]);
    const name = typeof rule.name === 'string' ? ` (${rule.name})` : '';
    const defaultWeight = kind.defaultWeight(shares.length);
    const label = `spec.${kind.rules}[${at}]${name}`;
    return {
      ...{ defaultWeight, label },
      shares: shares.map((share, index): Share => {
        const written = weightOf(share, `${label}.${kind.shares}[${index}]`);
        return {
          destination: kind.destination(share, context),
          path: ['spec', kind.rules, at, kind.shares, index, 'weight'],
          written,
          weight: written ?? defaultWeight,
        };
      }),
    };
  });
}

function weightOf({ weight }: Fields, where: string): number | undefined {
  if (weight === undefined || (typeof weight === 'number' && Number.isInteger(weight) && weight >= 0)) return weight;
  throw new Error(`${where}.weight: ${JSON.stringify(weight)} is no whole number: write it as one, without quotes`);
}

/** The first destination of all, to show what another one looks like. */
export function firstShare(kind: RoutedKind, object: Fields): Fields {
  return listOf(fieldsOf(object.spec)[kind.rules]).flatMap((rule) => listOf(rule[kind.shares]))[0] ?? {};
}

/** Nobody knows from here which revisions serve. */
export function revisionWarnings({ metadata }: Fields): string[] {
  const revision = textOf(fieldsOf(fieldsOf(metadata).labels)['istio.io/rev']);
  if (revision === undefined) return [];
  return [`it has the label istio.io/rev: ${revision}: config servers of another revision do not read it`];
}

export function fieldsOf(value: unknown): Fields {
  return isRecord(value) ? value : {};
}

export function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function listOf(value: unknown): Fields[] {
  return Array.isArray(value) ? value.filter(isRecord) : [];
}
