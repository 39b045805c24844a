import { keySet, makeKey, sign } from '../../../packages/sdk/test/authentication/issuer.js';
import { MeshAuthority, type TestIdentity } from '../../support/mesh-authority.js';
import { Draws } from './draws.js';
import { generatePolicies, issuer, type PolicySet } from './rbac-policies.js';
import { identities, tokens } from './rbac-requests.js';

/** A workload that one set of policies protects, and the draws that go on to make requests for it. */
export interface RbacWorkload {
  readonly set: PolicySet;
  readonly port: number;
  readonly files: Readonly<Record<string, string>>;
  readonly draws: Draws;
}

export function generateWorkload(seed: number, port: number): RbacWorkload {
  const draws = new Draws(seed);
  const set = generatePolicies(draws, seed, port);
  return { set, port, files: filesOf(set), draws };
}

const authority = new MeshAuthority();

export const ownIdentity = authority.issue('web');

/** By `namespace/service-account`. */
export const clientIdentities: ReadonlyMap<string, TestIdentity> = new Map(
  identities.map((name) => {
    const [namespace = '', account = ''] = name.split('/');
    return [name, authority.issue(account, { uris: [`spiffe://cluster.local/ns/${namespace}/sa/${account}`] })];
  }),
);

const key = makeKey('RS256', 'k1');
const claims = {
  alice: { sub: 'alice', aud: ['web', 'other'], azp: 'desk', groups: ['staff', 'all'], realm: { role: 'owner' } },
  bob: { sub: 'bob', aud: 'app', groups: 'guests' },
};

/** By the name of whom they are about; good for an hour. */
export async function signTokens(): Promise<ReadonlyMap<string, string>> {
  const exp = Math.floor(Date.now() / 1000) + 3600;
  const signed = tokens.map(async (name) => [name, await sign(key, { iss: issuer, exp, ...claims[name] })] as const);
  return new Map(await Promise.all(signed));
}

function filesOf({ specs, normalization }: PolicySet): Record<string, string> {
  const objects = [
    ...specs.map((spec, index) => policy('AuthorizationPolicy', `p${index}`, spec)),
    policy('RequestAuthentication', 'tokens', { jwtRules: [{ issuer, jwks: keySet([key]) }] }),
    policy('PeerAuthentication', 'strict', { mtls: { mode: 'STRICT' } }),
    {
      apiVersion: 'install.istio.io/v1alpha1',
      kind: 'IstioOperator',
      metadata: { name: 'mesh' },
      spec: { meshConfig: { pathNormalization: { normalization } } },
    },
  ];
  return { 'all.yaml': objects.map((object) => JSON.stringify(object)).join('\n---\n') };
}

function policy(kind: string, name: string, spec: object): object {
  return { apiVersion: 'security.istio.io/v1', kind, metadata: { name, namespace: 'default' }, spec };
}
