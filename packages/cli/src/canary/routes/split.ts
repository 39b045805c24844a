import type { NumberEdit } from '@inmesh/config';
import { type Destination, isMeant, nameOf } from './destination.js';
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
}

/** @throws Error that says what to add, or which names there are */
export function findSplit({ kind, object, context, to, target }: SplitRequest): Split {
  const all = rulesOf(kind, object, context);
  const rules = all.flatMap((rule): SplitRule[] => {
    const canary = meantIn(rule, to, target);
    return canary !== undefined && rule.shares.length > 1 ? [{ ...rule, canary }] : [];
  });
  const [first] = rules;
  if (first === undefined) throw new Error(notShared(kind, object, all, to, target));
  const stable = new Map<string, Destination>();
  for (const { shares, canary } of rules) {
    shares.forEach(({ destination }, at) => {
      if (at !== canary) stable.set(`${destination.host} ${destination.subset ?? ''}`, destination);
    });
  }
  return { rules, canary: first.shares[first.canary]!.destination, stable: [...stable.values()] };
}

function meantIn({ label, shares }: Rule, to: string, target: string): number | undefined {
  const found = shares.flatMap(({ destination }, at) => (isMeant(destination, to, target) ? [at] : []));
  if (found.length > 1) throw new Error(`${label} has several destinations that are called ${to}: merge them`);
  return found[0];
}

function notShared(kind: RoutedKind, object: Fields, all: readonly Rule[], to: string, target: string): string {
  if (all.every(({ shares }) => shares.length === 0)) return `it has no destinations below spec.${kind.rules}`;
  const alone = all.find((rule) => meantIn(rule, to, target) !== undefined);
  if (alone !== undefined) return `${to} shares its traffic with no other version: in ${alone.label} it is alone`;
  const names = [...new Set(all.flatMap(({ shares }) => shares.map(({ destination }) => nameOf(destination))))];
  const line = kind.lineFor(firstShare(kind, object), to, target);
  return `no destination is called ${to} (there is ${names.join(', ')}): add to ${kind.shares} of the rule that is meant\n  ${line}`;
}

export function writtenWeights({ rules }: Split): Weights {
  return rules.map(({ shares }) => shares.map(({ written }) => written ?? null));
}

/** Of the version, in percent: the most that it has in any rule. */
export function currentPercent({ rules }: Split): number {
  return Math.max(
    ...rules.map(({ shares, canary }) => {
      const sum = total(shares.map(({ weight }) => weight));
      return sum === 0 ? 0 : (shares[canary]!.weight / sum) * 100;
    }),
  );
}

/**
 * Weights that give the version so many percent, and the others what is left, in the proportion of `original`.
 * @throws Error when the others have nothing to give
 */
export function weightsAt(split: Split, original: Weights, percent: number): Weights {
  return split.rules.map((rule, at) => {
    const base = rule.shares.map((_, index) =>
      index === rule.canary ? 0 : (original[at]?.[index] ?? rule.defaultWeight),
    );
    if (total(base) === 0)
      throw new Error(`in ${rule.label} only ${nameOf(split.canary)} has traffic: nothing is left to shift`);
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
export function describeWeights(split: Split, weights: Weights): string {
  const lines = split.rules.map(({ shares }, rule) =>
    shares.map(({ destination }, at) => `${nameOf(destination)}=${weights[rule]?.[at] ?? '-'}`).join(' '),
  );
  return [...new Set(lines)].join('; ');
}

function total(numbers: readonly number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0);
}
