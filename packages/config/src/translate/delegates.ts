import type { Memory } from '../memory.js';
import type { ReadObject } from '../read-objects.js';
import type { HttpRule, VirtualService } from '../schema/virtual-service.js';
import { joinMatches } from './delegate-matches.js';
import type { RuleSet } from './http-rules.js';
import { type PlacedRule, placedRules } from './placed-rules.js';

type Source = ReadObject<VirtualService>;

/** What a rule gives to those that it delegates to, where they have none themselves (Istio `mergeHTTPRoute`). */
const inheritedFields = [
  ...(['rewrite', 'timeout', 'retries', 'fault', 'corsPolicy', 'headers'] as const),
  ...(['mirror', 'mirrors', 'mirrorPercentage', 'mirrorPercent', 'mirror_percent'] as const),
] satisfies readonly (keyof HttpRule)[];

/** VirtualServices without hosts: their rules count where others delegate to them. */
export class Delegates {
  readonly #sources = new Map<string, Source>();

  constructor(
    private readonly all: readonly Source[],
    private readonly memory: Memory,
  ) {
    for (const source of all) if (isDelegate(source)) this.#sources.set(keyOf(source), source);
  }

  /** The rules of a VirtualService with those of others in the place of each rule that delegates. */
  expand(source: Source): RuleSet {
    return this.memory.recall(source, 'rules', [], () => this.#expand(source));
  }

  /** Those that are not reached by any rule, so that somebody has forgotten something. */
  unusedBy(sets: readonly RuleSet[]): Source[] {
    const used = new Set(sets.flatMap(({ delegates }) => delegates));
    return [...this.#sources.values()].filter((source) => !used.has(source));
  }

  #named(key: string): Source | undefined {
    return this.all.find((candidate) => keyOf(candidate) === key);
  }

  #expand(source: Source): RuleSet {
    const delegates: Source[] = [];
    const rules = placedRules(source).flatMap((placed) => {
      if (placed.rule.delegate === undefined) return [placed];
      const found = this.#find(placed, source);
      if (found === undefined) return [];
      delegates.push(found);
      return placedRules(found).flatMap((ofDelegate) => join(placed, ofDelegate) ?? []);
    });
    return { source, rules, delegates };
  }

  #find({ rule, place }: PlacedRule, source: Source): Source | undefined {
    const { name = '', namespace = source.namespace } = rule.delegate ?? {};
    const at = place.at('delegate');
    if (isDelegate(source)) {
      at.unresolved(
        'rules that others delegate to cannot delegate in their turn',
        'give this VirtualService its hosts',
      );
      return undefined;
    }
    const key = `${namespace}/${name}`;
    const found = this.memory.ask('delegates', (delegates) => delegates.#sources.get(key));
    if (found === undefined) {
      const other = this.memory.ask('delegates', (delegates) => delegates.#named(key));
      if (other === undefined) at.unresolved(`there is no VirtualService ${key}: the rule would have nowhere to go`);
      else at.unresolved(`${other.place.reference} has hosts, so that nothing can delegate to it`, 'remove its hosts');
      return undefined;
    }
    if (isVisible(found, source.namespace)) return found;
    at.unresolved(
      `${found.place.reference} is not exported to the namespace ${source.namespace}`,
      'add it to exportTo',
    );
    return undefined;
  }
}

export function isDelegate({ body }: Source): boolean {
  return (body.spec.hosts ?? []).length === 0;
}

function keyOf({ namespace, name }: Source): string {
  return `${namespace}/${name}`;
}

function isVisible({ body, namespace }: Source, from: string): boolean {
  const { exportTo = [] } = body.spec;
  if (exportTo.length === 0 || exportTo.includes('*') || exportTo.includes(from)) return true;
  return exportTo.includes('.') && namespace === from;
}

/** Undefined where the two can never hold together. */
function join(root: PlacedRule, delegated: PlacedRule): PlacedRule | undefined {
  const match = joinMatches(root.rule.match ?? [], delegated.rule.match ?? []);
  if (match === undefined) {
    delegated.place.at('match').warn(`is not within what ${root.place.reference} delegates: not used there`);
    return undefined;
  }
  const inherited = inheritedFields.filter((field) => isInherited(field, root.rule, delegated.rule));
  return {
    ...delegated,
    rule: {
      ...delegated.rule,
      ...Object.fromEntries(inherited.map((field) => [field, root.rule[field]])),
      match,
      name: joinNames(root.rule.name, delegated.rule.name),
    },
    root: { place: root.place, namespace: root.namespace, fields: new Set<keyof HttpRule>(inherited) },
  };
}

function isInherited(field: (typeof inheritedFields)[number], root: HttpRule, delegated: HttpRule): boolean {
  if (root[field] === undefined || delegated[field] !== undefined) return false;
  // The one excludes the other.
  if (field === 'mirror') return delegated.mirrors === undefined;
  return field !== 'mirrors' || delegated.mirror === undefined;
}

function joinNames(root: string | undefined, delegated: string | undefined): string | undefined {
  return root === undefined || delegated === undefined ? (delegated ?? root) : `${root}-${delegated}`;
}
