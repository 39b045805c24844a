import type { Call } from '../call.js';
import type { Random } from '../clock.js';
import type { CorsPolicy } from '../model/route.js';
import { routeOfIncoming } from '../router/incoming-route.js';
import { compileStringMatcher, type TextTest } from '../router/string-matcher.js';
import type { Filter, Reply } from '../service.js';

/**
 * Acts on the CORS policy of the route that an incoming call's authority and path lead to (Envoy cors_filter.cc): answers
 * preflights in the handler's place, and says on the responses to allowed origins that they may be read. What the handler
 * itself says of CORS replaces it.
 * @param ownHost see `routeOfIncoming`
 */
export function corsFilter(random: Random, ownHost: string): Filter {
  return (next) => (call) => {
    if (!call.snapshot.hasCors) return next(call);
    const origin = call.headers.get('origin');
    if (origin === undefined || origin === '') return next(call);
    const policy = routeOfIncoming(call, random, ownHost)?.cors;
    if (policy === undefined) return next(call);
    const allowed = isAllowed(policy, origin);
    if (isPreflight(call) && (allowed || !policy.forwardUnmatchedPreflights))
      return Promise.resolve(answerPreflight(call, policy, allowed ? origin : undefined));
    if (allowed) allowReading(call, policy, origin);
    return next(call);
  };
}

const originTests = new WeakMap<CorsPolicy, readonly TextTest[]>();

/** A matcher that `*` itself satisfies allows every origin. */
function isAllowed(policy: CorsPolicy, origin: string): boolean {
  let tests = originTests.get(policy);
  if (tests === undefined) {
    tests = policy.allowOrigins.map(compileStringMatcher);
    originTests.set(policy, tests);
  }
  return tests.some((test) => test('*') || test(origin));
}

function isPreflight({ method, headers }: Call): boolean {
  return method === 'OPTIONS' && Boolean(headers.get('access-control-request-method'));
}

function allowReading(call: Call, policy: CorsPolicy, origin: string): void {
  call.presetResponseHeader('access-control-allow-origin', origin);
  if (policy.allowCredentials) call.presetResponseHeader('access-control-allow-credentials', 'true');
  if (policy.exposeHeaders !== '') call.presetResponseHeader('access-control-expose-headers', policy.exposeHeaders);
}

/** @param origin undefined where it is not allowed: the rest is said all the same, as Envoy does, and allows nothing */
function answerPreflight(call: Call, policy: CorsPolicy, origin: string | undefined): Reply {
  const said: readonly (readonly [string, string | undefined])[] = [
    ['access-control-allow-origin', origin],
    ['access-control-allow-credentials', policy.allowCredentials ? 'true' : ''],
    ['access-control-allow-methods', orAsked(call, policy.allowMethods, 'access-control-request-method')],
    ['access-control-allow-headers', orAsked(call, policy.allowHeaders, 'access-control-request-headers')],
    ['access-control-max-age', policy.maxAge],
  ];
  const headers = said.flatMap(([name, value]) => (value ? [name, value] : []));
  return call.respond({ httpStatus: 200, headers, body: '', flags: '' });
}

/** `*` is answered with what was asked for: browsers do not take a star for requests with credentials. */
function orAsked(call: Call, allowed: string, asked: string): string | undefined {
  return allowed === '*' ? call.headers.get(asked) : allowed;
}
