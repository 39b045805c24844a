import { type HttpFilter, JwtAuthenticationSchema } from '@inmesh/xds/messages';
import type { Issue, IssueSink } from '../../issues.js';
import type { Settings } from '../../options.js';
import { Place } from '../../place.js';
import type { ObjectsByKind, ReadObject } from '../../read-objects.js';
import { checkAuthorization } from './check-authorization.js';
import { checkJwtRules } from './check-jwt-rules.js';
import { jwtFilterName } from './claims.js';
import { buildCustomFilters } from './custom-filters.js';
import { httpFilter } from './http-filter.js';
import { buildJwtAuthentication } from './jwt-authentication.js';
import { actionOf, buildRbacFilters } from './rbac-filters.js';
import { whyRefused } from './refused-filters.js';

type Policies = Pick<ObjectsByKind, 'AuthorizationPolicy' | 'RequestAuthentication'>;

/**
 * Says what is wrong with each policy by itself, whoever it is for: a client of its namespace may be the first to ask, and
 * then it would be too late. One that stays as it is is looked at once.
 */
export function checkPolicies(objects: Policies, { memory, trustDomain }: Settings): void {
  const checkAll = <Body>(
    name: string,
    policies: readonly ReadObject<Body>[],
    check: (policy: ReadObject<Body>) => void,
    filtersOf: (policy: ReadObject<Body>) => readonly HttpFilter[],
  ) =>
    memory.recallRuns(name, policies, (run) => {
      for (const policy of run) {
        memory.recall(policy, 'checked', [], () => checkPolicy(policy, check, filtersOf, memory));
      }
    });
  checkAll('check authorization', objects.AuthorizationPolicy, checkAuthorization, (policy) =>
    actionOf(policy) === 'CUSTOM'
      ? buildCustomFilters([policy], undefined, trustDomain)
      : buildRbacFilters([policy], trustDomain),
  );
  checkAll('check tokens', objects.RequestAuthentication, checkJwtRules, ({ body }) => {
    const { jwtRules = [] } = body.spec ?? {};
    return [httpFilter(jwtFilterName, JwtAuthenticationSchema, buildJwtAuthentication(jwtRules))];
  });
}

function checkPolicy<Body>(
  policy: ReadObject<Body>,
  check: (policy: ReadObject<Body>) => void,
  filtersOf: (policy: ReadObject<Body>) => readonly HttpFilter[],
  issues: IssueSink,
): void {
  const told = new Told(issues);
  check({ ...policy, place: Place.of(policy.place.object, told) });
  // What is known to be wrong need not be made.
  const refusal = told.hasErrors ? undefined : whyRefused(filtersOf(policy));
  if (refusal !== undefined) policy.place.at('spec').error(`no client can read what it is made into: ${refusal}`);
}

class Told implements IssueSink {
  hasErrors = false;

  constructor(private readonly issues: IssueSink) {}

  add(issue: Issue): void {
    this.hasErrors ||= issue.severity === 'error';
    this.issues.add(issue);
  }
}
