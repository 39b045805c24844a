import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Facts, matchingPolicy } from '../../test/naive-rbac.js';
import type { ClaimMatcher, Permission, Principal, RbacRules, ValueMatcher } from '../model/authorization.js';
import type { HeaderMatcher, PathMatcher, StringMatcher } from '../model/route.js';
import { testCall } from '../testing/builders.js';
import { compileRbac } from './rbac.js';

// Few letters, so that what is asked for and what comes often meet.
const word = fc.constantFrom('a', 'b', 'A', 'ab', 'ba', 'a.b');
const segment = fc.constantFrom('a', 'b', 'A', 'ab');
const path = fc.array(segment, { minLength: 1, maxLength: 3 }).map((segments) => `/${segments.join('/')}`);
const address = fc.oneof(
  fc.tuple(fc.constantFrom(10, 11), fc.nat(1), fc.nat(1), fc.nat(3)).map((bytes) => bytes.join('.')),
  fc.array(fc.constantFrom('0', '1', 'fe80'), { minLength: 8, maxLength: 8 }).map((groups) => groups.join(':')),
);
const spiffeId = fc.tuple(word, word).map(([ns, sa]) => `spiffe://td/ns/${ns}/sa/${sa}`);

const regex = fc.constantFrom('a.*', '.*b', '/a/.*', '.+', '/[ab]+', 'spiffe://td/ns/.*').map((source) => {
  const compiled = new RegExp(`^(?:${source})$`);
  return { kind: 'regex', regex: { source, matches: (text: string) => compiled.test(text) } } as const;
});

function literal<Kind extends string>(value: fc.Arbitrary<string>, ...kinds: Kind[]) {
  return fc.record({ kind: fc.constantFrom(...kinds), value, ignoreCase: fc.boolean() });
}

const text = (value: fc.Arbitrary<string>): fc.Arbitrary<StringMatcher> =>
  fc.oneof(literal(value, 'exact', 'prefix', 'suffix', 'contains'), regex);

const pathMatcher: fc.Arbitrary<PathMatcher> = fc.oneof(literal(path, 'exact', 'prefix', 'pathSeparatedPrefix'), regex);

const headerMatcher: fc.Arbitrary<HeaderMatcher> = fc.record({
  name: fc.constantFrom(':method', ':path', ':authority', 'x', 'y'),
  test: fc.oneof(
    fc.record({ kind: fc.constant('present' as const), present: fc.boolean() }),
    fc.record({ kind: fc.constant('string' as const), matcher: text(fc.oneof(word, path, fc.constant('GET'))) }),
    fc.record({ kind: fc.constant('range' as const), start: fc.nat(5), end: fc.nat(9) }),
  ),
  invert: fc.boolean(),
  treatMissingAsEmpty: fc.boolean(),
});

const range = fc
  .oneof(
    fc.tuple(
      address.filter((one) => one.includes('.')),
      fc.integer({ min: 0, max: 32 }),
    ),
    fc.tuple(
      address.filter((one) => one.includes(':')),
      fc.integer({ min: 0, max: 128 }),
    ),
  )
  .map(([first, prefixLength]) => ({ address: first, prefixLength }));

const { value } = fc.letrec<{ value: ValueMatcher }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 2 },
    fc.constant<ValueMatcher>({ kind: 'present' }),
    fc.record({ kind: fc.constantFrom('string', 'listContains'), matcher: text(word) }),
    fc.record({ kind: fc.constant('any'), matchers: fc.array(tie('value'), { maxLength: 2 }) }),
  ) as fc.Arbitrary<ValueMatcher>,
}));

const claim: fc.Arbitrary<ClaimMatcher> = fc.record({
  path: fc.array(fc.constantFrom('role', 'realm', 'constructor'), { maxLength: 2 }),
  value,
});

/** What there is no second reading of. */
const plainPermission: fc.Arbitrary<Permission> = fc.oneof(
  fc.constant<Permission>({ kind: 'any' }),
  fc.record({ kind: fc.constant('destinationPort' as const), port: fc.integer({ min: 1, max: 4 }) }),
  fc.record({ kind: fc.constant('destinationPortRange' as const), start: fc.nat(4), end: fc.nat(5) }),
  fc.record({ kind: fc.constant('destinationIp' as const), range }),
  fc.record({ kind: fc.constant('serverName' as const), matcher: text(word) }),
);

const plainPrincipal: fc.Arbitrary<Principal> = fc.oneof(
  fc.constant<Principal>({ kind: 'any' }),
  fc.record({ kind: fc.constant('authenticated' as const), matcher: fc.option(text(spiffeId), { nil: undefined }) }),
  fc.record({ kind: fc.constantFrom('directRemoteIp' as const, 'remoteIp' as const), range }),
  fc.record({ kind: fc.constant('claim' as const), matcher: claim }),
);

/** Headers and paths, which routers and handlers may read in several ways. */
const ofRequest = fc.oneof(
  fc.record({ kind: fc.constant('header' as const), matcher: headerMatcher }),
  fc.record({ kind: fc.constant('path' as const), matcher: pathMatcher }),
);

function permissions(leaf: fc.Arbitrary<Permission>, hasNot: boolean): fc.Arbitrary<Permission> {
  const { one } = fc.letrec<{ one: Permission }>((tie) => {
    const list = fc.array(tie('one'), { maxLength: 3 });
    const all = fc.record({ kind: fc.constantFrom('all' as const, 'oneOf' as const), permissions: list });
    const not = fc.record({ kind: fc.constant('not' as const), permission: tie('one') });
    return { one: fc.oneof({ maxDepth: 3 }, leaf, ...(hasNot ? [all, not] : [all])) };
  });
  return one;
}

function principals(leaf: fc.Arbitrary<Principal>, hasNot: boolean): fc.Arbitrary<Principal> {
  const { one } = fc.letrec<{ one: Principal }>((tie) => {
    const list = fc.array(tie('one'), { maxLength: 3 });
    const all = fc.record({ kind: fc.constantFrom('all' as const, 'oneOf' as const), principals: list });
    const not = fc.record({ kind: fc.constant('not' as const), principal: tie('one') });
    return { one: fc.oneof({ maxDepth: 3 }, leaf, ...(hasNot ? [all, not] : [all])) };
  });
  return one;
}

function rulesOf(
  permission: fc.Arbitrary<Permission>,
  principal: fc.Arbitrary<Principal>,
  ...actions: RbacRules['action'][]
): fc.Arbitrary<RbacRules> {
  const policy = fc.record({
    name: fc.constantFrom('p', 'q', 'r', 's'),
    permissions: fc.array(permission, { minLength: 1, maxLength: 2 }),
    principals: fc.array(principal, { minLength: 1, maxLength: 2 }),
  });
  const policies = fc.uniqueArray(policy, { maxLength: 3, selector: ({ name }) => name });
  return fc.record({ action: fc.constantFrom(...actions), policies });
}

const claims = fc.record(
  {
    role: fc.oneof(word, fc.array(word, { maxLength: 2 }), fc.integer(), fc.constant(null)),
    realm: fc.record({ role: fc.oneof(word, fc.array(word, { maxLength: 2 })) }, { requiredKeys: [] }),
  },
  { requiredKeys: [] },
);

const facts: fc.Arbitrary<Facts> = fc.record({
  method: fc.constantFrom('GET', 'POST'),
  path: fc.tuple(path, fc.constantFrom('', '?a', '?/a', '#a')).map(([before, query]) => before + query),
  authority: word,
  headers: fc.dictionary(fc.constantFrom('x', 'y'), fc.oneof(word, fc.constantFrom('4', ' 5', '6x')), {
    noNullPrototype: true,
  }),
  spiffeId: fc.option(spiffeId, { nil: undefined }),
  serverName: fc.oneof(word, fc.constant('')),
  localAddress: address,
  localPort: fc.integer({ min: 1, max: 4 }),
  remoteAddress: fc.oneof(address, fc.constant('::ffff:10.0.0.1')),
  sourceAddress: address,
  claims: fc.option(claims, { nil: undefined }),
});

function callOf(request: Facts) {
  const { method, path: target, authority, headers } = request;
  const call = testCall({ method, path: target, authority, headers });
  call.connection = {
    isTls: true,
    peer:
      request.spiffeId === undefined
        ? undefined
        : { spiffeId: request.spiffeId, trustDomain: 'td', namespace: '', serviceAccount: '' },
    serverName: request.serverName,
    localAddress: request.localAddress,
    localPort: request.localPort,
    remoteAddress: request.remoteAddress,
  };
  call.sourceAddress = request.sourceAddress;
  if (request.claims !== undefined) {
    call.token = { issuer: 'i', subject: 's', audiences: [], presenter: '', claims: request.claims };
  }
  return call;
}

/** What a second writing of the rules says. */
function expected(rules: RbacRules, request: Facts) {
  const policy = matchingPolicy(rules, request);
  const { action } = rules;
  return { allowed: action === 'log' || (action === 'allow') === (policy !== undefined), policy };
}

const runs = { numRuns: 500 };

describe('decisions compared with a second writing of the rules', () => {
  it('are the same by connection and token', () => {
    const rules = rulesOf(permissions(plainPermission, true), principals(plainPrincipal, true), 'allow', 'deny', 'log');
    fc.assert(
      fc.property(rules, facts, (one, request) => {
        expect(compileRbac(one)(callOf(request))).toEqual(expected(one, request));
      }),
      runs,
    );
  });

  it('are the same by headers and paths where they admit', () => {
    const permission = permissions(fc.oneof(plainPermission, ofRequest), false);
    const rules = rulesOf(permission, principals(fc.oneof(plainPrincipal, ofRequest), false), 'allow', 'log');
    fc.assert(
      fc.property(rules, facts, (one, request) => {
        expect(compileRbac(one)(callOf(request))).toEqual(expected(one, request));
      }),
      runs,
    );
  });

  it('never admit more, whatever the rules', () => {
    const permission = permissions(fc.oneof(plainPermission, ofRequest), true);
    const rules = rulesOf(permission, principals(fc.oneof(plainPrincipal, ofRequest), true), 'allow', 'deny');
    fc.assert(
      fc.property(rules, facts, (one, request) => {
        if (!expected(one, request).allowed) expect(compileRbac(one)(callOf(request)).allowed).toBe(false);
      }),
      { numRuns: 2000 },
    );
  });
});
