import type { Any } from '@bufbuild/protobuf/wkt';
import {
  type FilterChain,
  type HttpConnectionManager,
  HttpConnectionManagerSchema,
  type Listener,
} from '../messages.js';
import type { FieldScope } from './field-scope.js';
import { anyIs, unpackAny } from './unpack-any.js';

/** How a listener is dialled, and what becomes of the requests. */
export interface Entry {
  readonly name: string;
  readonly manager: HttpConnectionManager;
  readonly at: FieldScope;
}

/**
 * Of an API listener (gRFC A27), which is named as it is dialled, or of a socket listener, which stands for a proxy that
 * all calls to its port would pass through: `*:8080`. Undefined, without an error, for a socket listener without HTTP.
 */
export function entryOf(message: Listener, at: FieldScope): Entry | undefined {
  const { apiListener } = message;
  if (apiListener === undefined) return socketEntry(message, at);
  const scope = at.field('api_listener.api_listener');
  if (apiListener.apiListener === undefined) return scope.error('is missing');
  const manager = unpackAny(apiListener.apiListener, HttpConnectionManagerSchema, scope);
  return manager && { name: message.name.toLowerCase(), manager, at: scope };
}

function socketEntry(message: Listener, at: FieldScope): Entry | undefined {
  const port = portOf(message);
  if (port === undefined) return at.field('api_listener').error('is missing, and so is an address with a port');
  const [found, ...others] = managersOf(message, at);
  if (found === undefined) {
    return at
      .field('filter_chains')
      .warn('are ignored: none has an HTTP connection manager, so no call is routed by them');
  }
  for (const other of others)
    other.at.warn('is ignored: of several connection managers of a port the first one routes');
  const manager = unpackAny(found.config, HttpConnectionManagerSchema, found.at);
  return manager && { name: `*:${port}`, manager, at: found.at };
}

function managersOf({ filterChains, defaultFilterChain }: Listener, at: FieldScope) {
  const found = at.each('filter_chains', filterChains, (chain, scope) => managerOf(chain, scope));
  const last = defaultFilterChain && managerOf(defaultFilterChain, at.field('default_filter_chain'));
  return last === undefined ? found : [...found, last];
}

/** A chain ends in its first filter of this kind. */
function managerOf({ filters }: FilterChain, at: FieldScope): { config: Any; at: FieldScope } | undefined {
  const [found] = at.each('filters', filters, ({ configType }, scope) =>
    configType.case === 'typedConfig' && anyIs(configType.value, HttpConnectionManagerSchema)
      ? { config: configType.value, at: scope.field('typed_config') }
      : undefined,
  );
  return found;
}

function portOf({ address }: Listener): number | undefined {
  if (address?.address.case !== 'socketAddress') return undefined;
  const { portSpecifier } = address.address.value;
  return portSpecifier.case === 'portValue' && portSpecifier.value > 0 ? portSpecifier.value : undefined;
}
