import type { Call } from '../call.js';
import type { Random } from '../clock.js';
import type { RateLimitAction } from '../model/route.js';
import { allOf } from './call-matcher.js';
import { compileHeaderMatcher } from './header-matcher.js';
import { firstQueryValue } from './query-matcher.js';

export interface DescriptorEntry {
  readonly key: string;
  readonly value: string;
}

/** `absent`: there is no descriptor. `skipped`: there is one, without this entry. */
type EntryMaker = (call: Call) => DescriptorEntry | 'absent' | 'skipped';

/** Makes the key of a descriptor of a call; undefined where one of its actions gives nothing. */
export type DescriptorMaker = (call: Call) => string | undefined;

/** Equal for equal descriptors only: whatever a header holds, it cannot be taken for the next entry. */
export function descriptorKey(entries: readonly DescriptorEntry[]): string {
  return entries.map(({ key, value }) => `${key.length}:${key}${value.length}:${value}`).join('');
}

/**
 * Compiles the actions of one descriptor (Envoy router_ratelimit.cc): an action that finds nothing drops the whole
 * descriptor, unless it says that its entry may be missing.
 * @param sourceCluster the service that this process is
 */
export function compileDescriptor(actions: readonly RateLimitAction[], sourceCluster: string): DescriptorMaker {
  const makers = actions.map((action) => compileAction(action, sourceCluster));
  return (call) => {
    const entries: DescriptorEntry[] = [];
    for (const make of makers) {
      const entry = make(call);
      if (entry === 'absent') return undefined;
      if (entry !== 'skipped') entries.push(entry);
    }
    return entries.length === 0 ? undefined : descriptorKey(entries);
  };
}

/** Keys that are not given are Envoy's own. */
function compileAction(action: RateLimitAction, sourceCluster: string): EntryMaker {
  switch (action.kind) {
    case 'sourceCluster':
      return always({ key: 'source_cluster', value: sourceCluster });
    case 'destinationCluster':
      return (call) => entryOf('destination_cluster', call.target?.cluster, 'absent');
    case 'remoteAddress':
      return (call) => entryOf('remote_address', plainAddress(call.sourceAddress), 'absent');
    case 'genericKey':
      return always({ key: action.key, value: action.value });
    case 'requestHeader':
      return (call) => entryOf(action.key, headerOf(call, action.name), action.skipIfAbsent ? 'skipped' : 'absent');
    case 'queryParameter':
      return (call) =>
        entryOf(action.key, firstQueryValue(call.path, action.name), action.skipIfAbsent ? 'skipped' : 'absent');
    case 'headerValueMatch': {
      const matches = allOf(action.headers.map(compileHeaderMatcher));
      const entry = { key: action.key, value: action.value };
      return (call) => (matches(call, noDraw) === action.expect ? entry : 'absent');
    }
  }
}

function always(entry: DescriptorEntry): EntryMaker {
  return () => entry;
}

/** Conditions on headers draw no shares. */
const noDraw: Random = () => 0;

function entryOf<Otherwise>(key: string, value: string | undefined, otherwise: Otherwise): DescriptorEntry | Otherwise {
  return value === undefined || value === '' ? otherwise : { key, value };
}

function headerOf(call: Call, name: string): string | undefined {
  switch (name) {
    case ':method':
      return call.method;
    case ':path':
      return call.path;
    case ':authority':
      return call.authority;
    case ':scheme':
      return call.scheme;
  }
  return call.headers.getJoined(name);
}

/** A socket that listens on both families gives IPv4 addresses as `::ffff:10.0.0.1`. */
export function plainAddress(address: string): string {
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice('::ffff:'.length) : address;
}
