import type { VersionedType } from './versioned-snapshot.js';

const known = new WeakMap<VersionedType, WeakMap<VersionedType, readonly string[]>>();

/**
 * The names of what is new, different or gone in the later of two states. Worked out once for all streams that take the
 * same step; what no stream holds any more is forgotten.
 */
export function changedNames(from: VersionedType, to: VersionedType): readonly string[] {
  if (from === to) return [];
  let steps = known.get(to);
  if (steps === undefined) {
    steps = new WeakMap();
    known.set(to, steps);
  }
  let names = steps.get(from);
  if (names === undefined) {
    names = compare(from, to);
    steps.set(from, names);
  }
  return names;
}

function compare(from: VersionedType, to: VersionedType): readonly string[] {
  const names: string[] = [];
  for (const [name, { version }] of to.resources) {
    if (from.resources.get(name)?.version !== version) names.push(name);
  }
  for (const name of from.resources.keys()) if (!to.resources.has(name)) names.push(name);
  return names;
}
