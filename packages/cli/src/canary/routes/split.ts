import type { NumberEdit } from '@inmesh/config';
import { type Destination, isHost, isMeant, nameOf, namesOf } from './destination.js';
import { type Fields, firstShare, type RouteContext, type RoutedKind, type Rule, rulesOf } from './routed-object.js';

/** The rules of an object in which a version shares the traffic with others. */
export interface Split {
  readonly rules: readonly SplitRule[];
  readonly canary: Destination;
  /** The others, each once. */
  readonly stable: readonly Destination[];
}

export interface SplitRule extends Rule {
  /** Which of its shares is the version's. */
  readonly canary: number;
}

/** Weights as they are written, rule by rule; null where nothing is. */
export type Weights = readonly (readonly (number | null)[])[];

export interface SplitRequest {
  readonly kind: RoutedKind;
  readonly object: Fields;
  readonly context: RouteContext;
  readonly to: string;
  readonly target: string;
  /** Of the version, where several have one of that name. */
  readonly host?: string | undefined;
}

/** @throws Error that says what to add, or which names there are, or that the name is that of several */
export function findSplit(request: SplitRequest): Split {
  const { kind, object, context } = request;
  const all = rulesOf(kind, object, context);
  const rules = all.flatMap((rule): SplitRule[] => {
    const canary = meantIn(rule, request);
    return canary !== undefined && rule.shares.length > 1 ? [{ ...rule, canary }] : [];
  });
  const [first] = rules;
  if (first === undefined) throw new Error(notShared(request, all));
  checkOne(rules, request);
  const stable = new Map<string, Destination>();
  for (const { shares, canary } of rules) {
    shares.forEach(({ destination }, at) => {
      if (at !== canary) stable.set(`${destination.host} ${destination.subset ?? ''}`, destination);
    });
  }
  return { rules, canary: first.shares[first.canary]!.destination, stable: [...stable.values()] };
}

export function meantIn(
  { label, shares }: Rule,
  { to, target, host }: Pick<SplitRequest, 'to' | 'target' | 'host'>,
): number | undefined {
  const found = shares.flatMap(({ destination }, at) =>
    isMeant(destination, to, target) && (host === undefined || isHost(destination.host, host)) ? [at] : [],
  );
  if (found.length <= 1) return found[0];
  const hosts = new Set(found.map((at) => shares[at]!.destination.host));
  const fix = hosts.size > 1 ? `name one with --host (${[...hosts].join(', ')})` : 'merge them';
  throw new Error(`${label} has several destinations that are called ${to}: ${fix}`);
}

/** The numbers are those of one version: rules of another would be moved, and nobody would watch them. */
function checkOne(rules: readonly SplitRule[], { to }: SplitRequest): void {
  const places = new Map<string, string>();
  for (const { shares, canary, label } of rules) {
    const { host, subset = '' } = shares[canary]!.destination;
    places.set(`${host} ${subset}`, `${host} in ${label}`);
  }
  if (places.size < 2) return;
  const where = [...places.values()].join(', ');
  throw new Error(
    `${to} is a version of several hosts (${where}): name one with --host, and go on with the next after it`,
  );
}

function notShared({ kind, object, target, to, host }: SplitRequest, all: readonly Rule[]): string {
  if (all.every(({ shares }) => shares.length === 0)) return `it has no destinations below spec.${kind.rules}`;
  const alone = all.find((rule) => meantIn(rule, { to, target, host }) !== undefined);
  if (alone !== undefined) return `${to} shares its traffic with no other version: in ${alone.label} it is alone`;
  const destinations = all.flatMap(({ shares }) => shares.map(({ destination }) => destination));
  if (host !== undefined && !destinations.some((one) => isHost(one.host, host))) {
    const hosts = [...new Set(destinations.map((one) => one.host))];
    return `no destination has the host ${host} (there is ${hosts.join(', ')})`;
  }
  const names = [...new Set(destinations.map(nameOf))];
  const line = kind.lineFor(firstShare(kind, object), to, target);
  return `no destination is called ${to} (there is ${names.join(', ')}): add to ${kind.shares} of the rule that is meant\n  ${line}`;
}

export function writtenWeights({ rules }: Split): Weights {
  return rules.map(({ shares }) => shares.map(({ written }) => written ?? null));
}

/** Of the version, in percent: the least that it has in any rule. */
export function currentPercent(split: Split, weights = writtenWeights(split)): number {
  return Math.min(
    ...split.rules.map(({ shares, canary, defaultWeight }, at) => {
      const ofRule = shares.map((_, index) => weights[at]?.[index] ?? defaultWeight);
      return percentOf(ofRule, canary);
    }),
  );
}

function percentOf(weights: readonly number[], at: number): number {
  const sum = total(weights);
  return sum === 0 ? 0 : (weights[at]! / sum) * 100;
}

/**
 * Weights that give the version so many percent, and the others what is left, in the proportion of `original`. A rule where it
 * has as much already stays as it is.
 * @throws Error when the others have nothing to give
 */
export function weightsAt(split: Split, original: Weights, percent: number): Weights {
  return split.rules.map((rule, at) => {
    const written = rule.shares.map((_, index) => original[at]?.[index] ?? null);
    const weights = written.map((weight) => weight ?? rule.defaultWeight);
    if (percentOf(weights, rule.canary) >= percent) return written;
    const base = weights.with(rule.canary, 0);
    if (total(base) === 0) throw new Error(`in ${rule.label} nobody has traffic: nothing is there to shift`);
    const others = apportion(100 - percent, base);
    return others.map((weight, index) => (index === rule.canary ? percent : weight));
  });
}

/** Whole numbers in the proportion of `parts` whose sum is `whole` (largest remainder). */
function apportion(whole: number, parts: readonly number[]): number[] {
  const sum = total(parts);
  const exact = parts.map((part) => (whole * part) / sum);
  const floors = exact.map(Math.floor);
  const byRemainder = exact.map((value, at) => ({ at, rest: value - floors[at]! })).sort((a, b) => b.rest - a.rest);
  for (const { at } of byRemainder.slice(0, whole - total(floors))) floors[at]! += 1;
  return floors;
}

export function editsTo(split: Split, weights: Weights): NumberEdit[] {
  return split.rules.flatMap(({ shares }, rule) =>
    shares.flatMap(({ path, written }, at): NumberEdit[] => {
      const value = weights[rule]?.[at] ?? undefined;
      return value === written ? [] : [{ path, value }];
    }),
  );
}

/** `v1=95 v2=5`, and for several rules `v1=95 v2=5; v1=90 v2=10`. */
export function describeWeights({ rules }: Split, weights: Weights): string {
  const lines = rules.map((rule, at) =>
    versionsOf(rule)
      .map((name, index) => `${name}=${weights[at]?.[index] ?? '-'}`)
      .join(' '),
  );
  return [...new Set(lines)].join('; ');
}

/** The names of a rule's destinations, no two the same. */
export function versionsOf({ shares }: Rule): string[] {
  return namesOf(shares.map(({ destination }) => destination));
}

function total(numbers: readonly number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0);
}
