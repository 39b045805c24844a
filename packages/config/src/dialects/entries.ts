import { fromBinary } from '@bufbuild/protobuf';
import { anyIs } from '@bufbuild/protobuf/wkt';
import type { ResourceSet } from '@inmesh/xds';
import { HttpConnectionManagerSchema, type Listener, type RouteConfiguration } from '@inmesh/xds/messages';
import type { Memory } from '../memory.js';
import { isOpaque } from '../translate/opaque-listeners.js';

/** What is dialled, and the routes of calls to it: a listener of the SDK, read. */
export interface Entry {
  /** As its listener is named: `host:port`. */
  readonly name: string;
  /** May be a wildcard. */
  readonly host: string;
  readonly port: number;
  /** Whether it may speak something else than HTTP; listed only where nothing else may be called. */
  readonly isOpaque: boolean;
  readonly listener: Listener;
  readonly routes: RouteConfiguration;
}

/** Sorted by name. The listener for all hosts and ports is not among them. */
export function entriesOf({ listeners, routes }: ResourceSet, memory: Memory): Entry[] {
  return [...listeners].flatMap(([name, listener]) => {
    const found = routes.get(memory.recall(listener, 'routes', [], () => routesName(listener)));
    if (found === undefined) return [];
    return memory.recall(listener, 'entry', [name, found], () => entryOf(name, listener, found)) ?? [];
  });
}

function entryOf(name: string, listener: Listener, routes: RouteConfiguration): Entry | undefined {
  const [, host, port] = /^(.+):(\d+)$/.exec(name) ?? [];
  if (host === undefined) return undefined;
  return { name, host, port: Number(port), isOpaque: isOpaque(listener), listener, routes };
}

function routesName({ apiListener }: Listener): string {
  const packed = apiListener?.apiListener;
  if (packed === undefined || !anyIs(packed, HttpConnectionManagerSchema)) return '';
  const { routeSpecifier } = fromBinary(HttpConnectionManagerSchema, packed.value);
  return routeSpecifier.case === 'rds' ? routeSpecifier.value.routeConfigName : '';
}
