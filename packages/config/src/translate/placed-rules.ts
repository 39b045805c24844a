import type { Place } from '../place.js';
import type { ReadObject } from '../read-objects.js';
import type { HttpRule, VirtualService } from '../schema/virtual-service.js';

export interface Origin {
  readonly place: Place;
  /** That short host names are of. */
  readonly namespace: string;
}

/** A rule of a VirtualService, and where it stands. */
export interface PlacedRule extends Origin {
  readonly rule: HttpRule;
  /** The rule that this one was delegated by, and the fields that are from there. */
  readonly root?: Origin & { readonly fields: ReadonlySet<keyof HttpRule> };
}

export function placedRules({ body, place, namespace }: ReadObject<VirtualService>): PlacedRule[] {
  return (body.spec.http ?? []).map((rule, index) => ({ rule, place: place.at('spec', 'http', index), namespace }));
}

/** Where a field of a rule stands. */
export function originOf({ root, place, namespace }: PlacedRule, field: keyof HttpRule): Origin {
  const origin = root?.fields.has(field) === true ? root : { place, namespace };
  return { place: origin.place.at(field), namespace: origin.namespace };
}
