import type { HeaderList } from '@inmesh/core';
import type { MeshInternals } from '../mesh-internals.js';
import type { InboundCall } from './inbound-call.js';
import { isTraceHeader, mayCarryOn, mayCarryUnasked } from './propagated-headers.js';

type Names = ReadonlySet<string>;
const none: Names = new Set();

/** By the list itself: a snapshot and the options keep theirs, so one set serves every call of it. */
const routedNames = new WeakMap<readonly string[], Names>();
const listedNames = new WeakMap<readonly string[], Names>();

/**
 * Copies headers of the incoming request to a call that serves it: its trace context always, and to hosts of the mesh the
 * headers that routes match on (`propagateHeaders`; with `routed` never secrets or what describes the caller). A header
 * that the outgoing call has set itself stays as it is.
 */
export function propagate(
  { headers: { flat: incoming } }: InboundCall,
  { flat: outgoing }: HeaderList,
  internals: MeshInternals,
  inMesh: boolean,
): void {
  const routing = inMesh ? routingNames(internals) : none;
  const own = outgoing.length;
  for (let i = 0; i < incoming.length; i += 2) {
    const name = incoming[i]!;
    if (!isTraceHeader(name) && !routing.has(name)) continue;
    const value = incoming[i + 1]!;
    if (isSet(outgoing, own, name) || !isSendable(value)) continue;
    outgoing.push(name, value);
  }
}

function routingNames({ propagateHeaders, snapshots }: MeshInternals): Names {
  return propagateHeaders === 'routed'
    ? namesOf(snapshots.current.routingHeaders, routedNames, mayCarryUnasked)
    : namesOf(propagateHeaders, listedNames, mayCarryOn);
}

function namesOf(list: readonly string[], known: WeakMap<readonly string[], Names>, may: (name: string) => boolean) {
  let names = known.get(list);
  if (names === undefined) {
    names = new Set(list.map((name) => name.toLowerCase()).filter(may));
    known.set(list, names);
  }
  return names;
}

/** Looks at the first `own` entries only, so that every line of a repeated header is copied. */
function isSet(outgoing: readonly string[], own: number, name: string): boolean {
  const family = familyOf(name);
  for (let i = 0; i < own; i += 2) if (familyOf(outgoing[i]!) === family) return true;
  return false;
}

/** Headers that are one statement together: half of one trace and half of another would be neither. */
function familyOf(name: string): string {
  if (name === 'tracestate') return 'traceparent';
  return name === 'b3' || name.startsWith('x-b3-') ? 'b3' : name;
}

/** RFC 9110, 5.5: visible characters, blanks, tabs and obs-text. undici refuses the whole request for any other. */
function isSendable(value: string): boolean {
  return /^[\t\x20-\x7e\x80-\xff]*$/.test(value);
}
