import type { CidrRange, Principal } from '../model/authorization.js';
import type { CallTest } from '../router/call-matcher.js';
import { compileStringMatcher } from '../router/string-matcher.js';
import { compileClaimMatcher } from './claim-matcher.js';
import { addressTest, headerTest, opposite, pathTest, type Strictness } from './condition-tests.js';
import { forwardedAddress } from './forwarded-address.js';

/** Envoy RBAC `Principal` (rbac.proto). */
export function compilePrincipal(principal: Principal, strictness: Strictness): CallTest {
  switch (principal.kind) {
    case 'any':
      return () => true;
    case 'all': {
      const tests = principal.principals.map((one) => compilePrincipal(one, strictness));
      return (call) => tests.every((test) => test(call));
    }
    case 'oneOf': {
      const tests = principal.principals.map((one) => compilePrincipal(one, strictness));
      return (call) => tests.some((test) => test(call));
    }
    case 'not': {
      const test = compilePrincipal(principal.principal, opposite(strictness));
      return (call) => !test(call);
    }
    case 'authenticated':
      return authenticatedTest(principal.matcher, strictness);
    case 'directRemoteIp': {
      const contains = addressTest(principal.range, strictness);
      return (call) => contains(call.connection?.remoteAddress ?? '');
    }
    case 'remoteIp':
      return clientAddressTest(principal.range, strictness);
    case 'header':
      return headerTest(principal.matcher, strictness);
    case 'path':
      return pathTest(principal.matcher, strictness);
    case 'claim': {
      const test = compileClaimMatcher(principal.matcher);
      return (call) => test(call.token);
    }
  }
}

function clientAddressTest(range: CidrRange, strictness: Strictness): CallTest {
  const contains = addressTest(range, strictness);
  const isLoose = strictness === 'loose';
  return (call) => {
    const forwarded = forwardedAddress(call);
    if (forwarded === undefined) return contains(call.sourceAddress);
    return contains(forwarded) || (isLoose && contains(call.sourceAddress));
  };
}

function authenticatedTest(
  matcher: (Principal & { kind: 'authenticated' })['matcher'],
  strictness: Strictness,
): CallTest {
  const matches = matcher === undefined ? () => true : compileStringMatcher(matcher);
  const isLoose = strictness === 'loose';
  return ({ connection }) => {
    const peer = connection?.peer;
    // gRPC finds peers by the ends of their connection: without those it may be anybody's.
    return peer === undefined ? isLoose && connection?.remoteAddress === '' : matches(peer.spiffeId);
  };
}
