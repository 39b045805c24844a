import type { Any } from '@bufbuild/protobuf/wkt';
import type { FaultPolicy } from '@inmesh/core';
import { FilterConfigSchema, HTTPFaultSchema, HttpCorsPolicySchema, LocalRateLimitSchema } from '../messages.js';
import { type CorsFields, decodeCors, inheritCors, noCors } from './decode-cors.js';
import { decodeFault } from './decode-fault.js';
import type { FieldScope } from './field-scope.js';
import { anyIs, unpackAny } from './unpack-any.js';

/** What one level says of the filters that can be set for it; undefined where it leaves that to the level above. */
export interface FilterConfigs {
  readonly fault?: { readonly policy: FaultPolicy | undefined };
  readonly cors?: CorsFields;
}

/** A fault of the level itself replaces that of the level above; of CORS it replaces what it mentions. */
export function inheritFilterConfigs(own: FilterConfigs, inherited: FilterConfigs): FilterConfigs {
  return { ...inherited, ...own, ...(own.cors && { cors: inheritCors(own.cors, inherited.cors) }) };
}

/** `typed_per_filter_config`: a filter is known by the type of its configuration, whatever it is called. */
export function decodeFilterConfigs(configs: Readonly<Record<string, Any>>, at: FieldScope): FilterConfigs {
  let decoded: FilterConfigs = {};
  for (const [name, config] of Object.entries(configs)) {
    decoded = { ...decoded, ...decodeFilterConfig(name, config, at.field(`typed_per_filter_config["${name}"]`)) };
  }
  return decoded;
}

function decodeFilterConfig(name: string, config: Any, at: FieldScope): FilterConfigs {
  if (anyIs(config, FilterConfigSchema)) return decodeWrapped(name, config, at);
  return decodeKnown(config, at) ?? unknown(config, at);
}

/** Envoy `FilterConfig`: a filter can be switched off for a route, and one that is not there can be asked for. */
function decodeWrapped(name: string, wrapped: Any, at: FieldScope): FilterConfigs {
  const message = unpackAny(wrapped, FilterConfigSchema, at);
  if (message === undefined) return {};
  if (message.disabled) return switchedOff(name, message.config);
  const scope = at.field('config');
  if (message.config === undefined) return scope.error('is missing') ?? {};
  const decoded = decodeKnown(message.config, scope);
  if (decoded === undefined && !message.isOptional) {
    scope.error(`filter type "${message.config.typeUrl}" is not supported and not optional`);
  }
  return decoded ?? {};
}

/** Undefined for a filter that this mesh does not have. */
function decodeKnown(config: Any, at: FieldScope): FilterConfigs | undefined {
  if (anyIs(config, HTTPFaultSchema)) {
    const message = unpackAny(config, HTTPFaultSchema, at);
    return { fault: { policy: message && decodeFault(message, at) } };
  }
  if (anyIs(config, HttpCorsPolicySchema)) {
    const message = unpackAny(config, HttpCorsPolicySchema, at);
    return { cors: message ? decodeCors(message, at) : noCors };
  }
  // Limits are read by `decodeRateLimits`, together with the descriptors of the route.
  return anyIs(config, LocalRateLimitSchema) ? {} : undefined;
}

/** Without a configuration it is the name that tells the filter. */
function switchedOff(name: string, config: Any | undefined): FilterConfigs {
  const isFault = config ? anyIs(config, HTTPFaultSchema) : name === 'envoy.filters.http.fault';
  const isCors = config ? anyIs(config, HttpCorsPolicySchema) : name === 'envoy.filters.http.cors';
  return { ...(isFault && { fault: { policy: undefined } }), ...(isCors && { cors: noCors }) };
}

function unknown(config: Any, at: FieldScope): FilterConfigs {
  at.warn(`is ignored: there is no filter of the type "${config.typeUrl}"`);
  return {};
}
