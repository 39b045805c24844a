import { create } from '@bufbuild/protobuf';
import { type Principal, PrincipalSchema, type StringMatcher } from '@inmesh/xds/messages';
import type { AuthorizationCondition, AuthorizationSource } from '../../schema/authorization-policy.js';
import { cidrRange } from './cidr-ranges.js';
import { claimPrincipal, requestPrincipal } from './claims.js';
import { type ConditionKey, readConditionKey } from './conditions.js';
import { policyHeaderMatcher, policyMatcher, regexMatcher } from './text-matchers.js';

/** What the names in a policy are relative to. */
export interface PolicyNames {
  /** Of the policy. */
  readonly namespace: string;
  readonly trustDomain: string;
}

/** Tests of one attribute: any of `values`, and none of `notValues`. */
type Test = (values: readonly string[]) => readonly Principal[];

export const anyPrincipal = create(PrincipalSchema, { identifier: { case: 'any', value: true } });

/** Who a source means, and under which conditions. Where neither says anything: everybody. */
export function sourcePrincipal(
  source: AuthorizationSource,
  conditions: readonly AuthorizationCondition[],
  names: PolicyNames,
): Principal {
  const ids = [...sourceTests(source, names), ...conditions.flatMap((condition) => conditionTests(condition, names))];
  return create(PrincipalSchema, {
    identifier: { case: 'andIds', value: { ids: ids.length === 0 ? [anyPrincipal] : ids } },
  });
}

function sourceTests(source: AuthorizationSource, names: PolicyNames): Principal[] {
  const tests = testsFor(names);
  return [
    ...both(tests.sourcePrincipal, source.principals, source.notPrincipals),
    ...both(tests.requestPrincipal, source.requestPrincipals, source.notRequestPrincipals),
    ...both(tests.sourceServiceAccount, source.serviceAccounts, source.notServiceAccounts),
    ...both(tests.sourceNamespace, source.namespaces, source.notNamespaces),
    ...both(tests.remoteIp, source.remoteIpBlocks, source.notRemoteIpBlocks),
    ...both(tests.sourceIp, source.ipBlocks, source.notIpBlocks),
  ];
}

function conditionTests({ key, values, notValues }: AuthorizationCondition, names: PolicyNames): Principal[] {
  const read = readConditionKey(key);
  const test = read.ok ? testOf(read.key, names) : undefined;
  return test === undefined ? [] : both(test, values, notValues);
}

/** Undefined for what is asked of the request and not of who sends it. */
function testOf(key: ConditionKey, names: PolicyNames): Test | undefined {
  switch (key.kind) {
    case 'header':
      return each((value) => principal({ case: 'header', value: policyHeaderMatcher(key.name, value) }));
    case 'claim':
      return (values) => [claimPrincipal(key.path, values)];
    case 'destinationIp':
    case 'destinationPort':
    case 'serverName':
      return undefined;
    default:
      return testsFor(names)[key.kind];
  }
}

function testsFor({ namespace, trustDomain }: PolicyNames) {
  return {
    sourcePrincipal: each((value) => authenticated(policyMatcher(inTrustDomain(value, trustDomain), 'spiffe://'))),
    requestPrincipal: each(requestPrincipal),
    sourceServiceAccount: each((value) => authenticated(serviceAccountMatcher(value, namespace))),
    sourceNamespace: each((value) => authenticated(regexMatcher(`.*/ns/${value.replaceAll('*', '.*')}/.*`))),
    remoteIp: each((value) => principal({ case: 'remoteIp', value: cidrRange(value) })),
    sourceIp: each((value) => principal({ case: 'directRemoteIp', value: cidrRange(value) })),
  };
}

/** In policies `cluster.local` stands for the mesh's own trust domain, whatever its name (Istio). */
function inTrustDomain(value: string, trustDomain: string): string {
  return value.startsWith('cluster.local/') ? trustDomain + value.slice('cluster.local'.length) : value;
}

/** As Istio's own (`serviceAccountRegex`): other keys may stand between the two and behind them. */
function serviceAccountMatcher(value: string, ownNamespace: string): StringMatcher {
  const slash = value.indexOf('/');
  const namespace = slash < 0 ? ownNamespace : value.slice(0, slash);
  const name = value.slice(slash + 1);
  return regexMatcher(`spiffe://.+/ns/${quotedName(namespace)}/(.+/|)sa/${quotedName(name)}(/.+)?`);
}

/** Names of Kubernetes may have dots. */
function quotedName(name: string): string {
  return name.replaceAll('.', '\\.');
}

function authenticated(principalName: StringMatcher): Principal {
  return principal({ case: 'authenticated', value: { principalName } });
}

function each(build: (value: string) => Principal): Test {
  return (values) => values.map(build);
}

function both(test: Test, values: readonly string[] = [], notValues: readonly string[] = []): Principal[] {
  return [
    ...(values.length > 0 ? [oneOf(test(values))] : []),
    ...(notValues.length > 0 ? [principal({ case: 'notId', value: oneOf(test(notValues)) })] : []),
  ];
}

function oneOf(ids: readonly Principal[]): Principal {
  return principal({ case: 'orIds', value: { ids: [...ids] } });
}

type Identifier = NonNullable<Parameters<typeof create<typeof PrincipalSchema>>[1]>['identifier'];

function principal(identifier: NonNullable<Identifier>): Principal {
  return create(PrincipalSchema, { identifier });
}
