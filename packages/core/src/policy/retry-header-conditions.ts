import type { Call } from '../call.js';
import type { HeaderMatcher, RetryPolicy } from '../model/route.js';
import { compileHeaderMatcher, compileHeaderTest } from '../router/header-matcher.js';
import type { Reply } from '../service.js';

interface Conditions {
  readonly request: readonly ((call: Call) => boolean)[];
  readonly response: readonly ((reply: Reply) => boolean)[];
}

/** Compiled at the first retry of a policy: most policies have none, and most calls no retry. */
const compiled = new WeakMap<RetryPolicy, Conditions>();

export function matchesAnyRequestHeader(policy: RetryPolicy, call: Call): boolean {
  return conditionsOf(policy).request.some((matches) => matches(call));
}

/** `:status` reads the status, every other name the first value of that header. */
export function matchesAnyResponseHeader(policy: RetryPolicy, reply: Reply): boolean {
  return conditionsOf(policy).response.some((matches) => matches(reply));
}

function conditionsOf(policy: RetryPolicy): Conditions {
  let conditions = compiled.get(policy);
  if (conditions === undefined) {
    conditions = {
      request: policy.requestHeaders.map(compileHeaderMatcher),
      response: policy.headers.map(compileResponseMatcher),
    };
    compiled.set(policy, conditions);
  }
  return conditions;
}

function compileResponseMatcher(matcher: HeaderMatcher): (reply: Reply) => boolean {
  const test = compileHeaderTest(matcher);
  if (matcher.name === ':status') return (reply) => test(String(reply.httpStatus));
  return (reply) => test(reply.header(matcher.name));
}
