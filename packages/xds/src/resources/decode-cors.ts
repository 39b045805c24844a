import type { CorsPolicy as CorsModel } from '@inmesh/core';
import type { CorsPolicy, HttpCorsPolicy, RuntimeFractionalPercent } from '../messages.js';
import { decodeStringMatcher } from './decode-string-matcher.js';
import type { FieldScope } from './field-scope.js';
import { reportUnsupported } from './field-support.js';
import { decodeRuntimeFraction } from './percents.js';

const everyRequest = 1_000_000;

/** What one level says of CORS. */
export interface CorsFields {
  readonly enabled: boolean;
  /** Without those that the level leaves to the one above (Envoy cors_filter.cc looks each up by itself). */
  readonly given: Partial<CorsModel>;
}

export const noCors: CorsFields = { enabled: false, given: {} };

/** Envoy's defaults. */
const defaults: CorsModel = {
  allowOrigins: [],
  allowMethods: '',
  allowHeaders: '',
  exposeHeaders: '',
  maxAge: '',
  allowCredentials: false,
  forwardUnmatchedPreflights: true,
};

/** Both forms of the policy: that of the filter and the deprecated one of routes. */
export function decodeCors(message: HttpCorsPolicy | CorsPolicy, at: FieldScope): CorsFields {
  reportUnsupported(message, at);
  const enabled = decodeRuntimeFraction(filterEnabledOf(message), everyRequest, at.field('filter_enabled'));
  if (enabled !== 0 && enabled < everyRequest) {
    at.field('filter_enabled').warn('is taken for all requests: it is all of them or none');
  }
  const allowOrigins = at.each('allow_origin_string_match', message.allowOriginStringMatch, decodeStringMatcher);
  const { allowMethods, allowHeaders, exposeHeaders, maxAge, allowCredentials } = message;
  const forwardUnmatchedPreflights = message.forwardNotMatchingPreflights;
  const given = {
    ...(allowOrigins.length > 0 && { allowOrigins }),
    ...(allowMethods !== '' && { allowMethods }),
    ...(allowHeaders !== '' && { allowHeaders }),
    ...(exposeHeaders !== '' && { exposeHeaders }),
    ...(maxAge !== '' && { maxAge }),
    ...(allowCredentials !== undefined && { allowCredentials }),
    ...(forwardUnmatchedPreflights !== undefined && { forwardUnmatchedPreflights }),
  };
  return { enabled: enabled > 0, given };
}

/** The most specific level says whether there is a policy at all. */
export function inheritCors(own: CorsFields, inherited: CorsFields | undefined): CorsFields {
  return { enabled: own.enabled, given: { ...inherited?.given, ...own.given } };
}

/** Undefined where it is switched off. */
export function corsPolicyOf(fields: CorsFields | undefined): CorsModel | undefined {
  return fields?.enabled ? { ...defaults, ...fields.given } : undefined;
}

function filterEnabledOf(message: HttpCorsPolicy | CorsPolicy): RuntimeFractionalPercent | undefined {
  if ('filterEnabled' in message) return message.filterEnabled;
  return 'enabledSpecifier' in message ? message.enabledSpecifier.value : undefined;
}
