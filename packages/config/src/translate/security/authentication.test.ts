import { describe, expect, it } from 'vitest';
import { decide, inboundOf } from '../../../test/inbound-support.js';
import { issuesOf, loadWith } from '../../../test/support.js';

function peers(spec: string, name = 'p', namespace = 'default', created = ''): string {
  const age = created === '' ? '' : `, creationTimestamp: "${created}"`;
  return `---
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: { name: ${name}, namespace: ${namespace}${age} }
spec: ${spec}
`;
}

/** Ports with their transports, 0 for all others. */
function ways(text: string): string[] {
  return inboundOf(text)?.chains.map(({ port, transport }) => `${port} ${transport}`) ?? [];
}

const both = ['0 tls', '0 plaintext'];

describe('A PeerAuthentication', () => {
  it.each([
    ['STRICT', ['0 tls']],
    ['PERMISSIVE', both],
    ['DISABLE', ['0 plaintext']],
    ['UNSET', both],
  ])('of mode %s takes %j', (mode, expected) => {
    expect(ways(peers(`{ mtls: { mode: ${mode} } }`))).toEqual(expected);
  });

  it('closes plain text where it is STRICT', () => {
    expect(decide(peers('{ mtls: { mode: STRICT } }'), { from: null })).toBe('closed');
    expect(decide(peers('{ mtls: { mode: STRICT } }'))).toBe('pass');
  });

  it('counts before those further away, unless it is UNSET', () => {
    const ofMesh = peers('{ mtls: { mode: STRICT } }', 'm', 'istio-system');
    const ofNamespace = peers('{ mtls: { mode: DISABLE } }', 'n');
    const select = 'selector: { matchLabels: { app: web } }';
    expect(ways(ofMesh)).toEqual(['0 tls']);
    expect(ways(ofMesh + ofNamespace)).toEqual(['0 plaintext']);
    expect(ways(ofMesh + ofNamespace + peers(`{ ${select}, mtls: { mode: PERMISSIVE } }`, 'w'))).toEqual(both);
    expect(ways(ofMesh + ofNamespace + peers(`{ ${select}, mtls: { mode: UNSET } }`, 'w'))).toEqual(['0 plaintext']);
    expect(ways(ofMesh + peers('{}', 'n'))).toEqual(['0 tls']);
  });

  it('may say something else of ports of the workload', () => {
    const spec =
      '{ selector: { matchLabels: { app: web } }, mtls: { mode: STRICT }, portLevelMtls: { 8080: { mode: DISABLE }, 81: { mode: PERMISSIVE }, 82: { mode: UNSET } } }';
    expect(ways(peers(spec))).toEqual(['81 tls', '81 plaintext', '8080 plaintext', '0 tls']);
  });

  it('needs a selector for ports', () => {
    expect(issuesOf(peers('{ portLevelMtls: { 80: { mode: STRICT } } }'))).toEqual([
      expect.stringContaining('error: PeerAuthentication default/p: spec.portLevelMtls: needs a selector'),
    ]);
  });

  it('is not used beside an older one for the same workloads, and says so', () => {
    const text =
      peers('{ mtls: { mode: STRICT } }', 'young', 'default', '2026-01-02T00:00:00Z') +
      peers('{ mtls: { mode: DISABLE } }', 'old', 'default', '2026-01-01T00:00:00Z');
    expect(ways(text)).toEqual(['0 plaintext']);
    expect(issuesOf(text)).toEqual([expect.stringContaining('warning: PeerAuthentication default/young')]);
  });

  it('is not used for a workload that an older one selects by other labels, and says so', () => {
    const older = peers('{ selector: { matchLabels: { app: web } }, mtls: { mode: STRICT } }', 'a');
    const text = older + peers('{ selector: { matchLabels: { tier: front } }, mtls: { mode: DISABLE } }', 'b');
    const client = { namespace: 'default', labels: { app: 'web', tier: 'front' } };
    expect(inboundOf(text, client)?.chains.map(({ transport }) => transport)).toEqual(['tls']);
    expect(loadWith({ client }, text).issues).toMatchObject([
      { severity: 'warning', object: 'PeerAuthentication default/b' },
    ]);
  });

  it('of the root namespace is for all workloads, so that one with a selector is not used', () => {
    const text = peers('{ selector: { matchLabels: { app: web } }, mtls: { mode: STRICT } }', 'p', 'istio-system');
    expect(ways(text)).toEqual([]);
    expect(issuesOf(text)).toEqual([expect.stringContaining('spec.selector: in istio-system')]);
  });
});

function tokens(rules: string, name = 'r', namespace = 'default'): string {
  return `---
apiVersion: security.istio.io/v1
kind: RequestAuthentication
metadata: { name: ${name}, namespace: ${namespace} }
spec: { jwtRules: [${rules}] }
`;
}

const rule = '{ issuer: a, jwksUri: "https://a.example/keys" }';

describe('A RequestAuthentication', () => {
  it('asks for good tokens and for none', () => {
    const [filter] = inboundOf(tokens(rule))!.chains[0]!.filters;
    expect(filter).toMatchObject({
      kind: 'jwt',
      authentication: {
        providers: [
          {
            issuer: 'a',
            audiences: [],
            forward: false,
            keys: { kind: 'remote', uri: 'https://a.example/keys', timeoutMs: 5_000 },
          },
        ],
        rules: [{ allowMissing: true, providers: ['origins-0'] }],
      },
    });
  });

  it('adds to those of the mesh and of the namespace', () => {
    const text = tokens(rule) + tokens('{ issuer: b, jwks: \'{"keys":[]}\' }', 'r', 'istio-system');
    const [filter] = inboundOf(text)!.chains[0]!.filters;
    expect(filter).toMatchObject({ authentication: { rules: [{ providers: ['origins-0', 'origins-1'] }] } });
  });

  it('says where tokens are, and what becomes of them', () => {
    const all =
      '{ issuer: a, audiences: [web], jwksUri: "http://a/k", timeout: 2s, fromHeaders: [{ name: x-a, prefix: "T " }], fromParams: [t], fromCookies: [c], outputPayloadToHeader: x-p, forwardOriginalToken: true, outputClaimToHeaders: [{ header: x-g, claim: realm.group }] }';
    const [filter] = inboundOf(tokens(all))!.chains[0]!.filters;
    expect(filter).toMatchObject({
      authentication: {
        providers: [
          {
            audiences: ['web'],
            keys: { timeoutMs: 2_000 },
            places: expect.arrayContaining([
              { kind: 'header', name: 'x-a', prefix: 'T ' },
              { kind: 'parameter', name: 't' },
              { kind: 'cookie', name: 'c' },
            ]),
            forward: true,
            payloadHeader: 'x-p',
            claimHeaders: [{ header: 'x-g', claim: ['realm', 'group'] }],
          },
        ],
      },
    });
  });

  it.each([
    ['https://a.example', 'https://a.example/.well-known/openid-configuration'],
    ['http://a.example/realm/', 'http://a.example/realm/.well-known/openid-configuration'],
  ])('has the issuer asked where its keys are when it does not say: %s', (issuer, uri) => {
    const [filter] = inboundOf(tokens(`{ issuer: "${issuer}" }`))!.chains[0]!.filters;
    expect(filter).toMatchObject({ authentication: { providers: [{ issuer, keys: { kind: 'remote', uri } }] } });
  });

  it.each([
    ['{ issuer: a }', 'has no keys, and an issuer that is no URL to ask for them'],
    ['{ issuer: "https://a:99999" }', 'has no keys'],
    ['{ jwksUri: "https://a/k" }', 'jwtRules[0].issuer: is missing'],
    ['{ issuer: a, jwksUri: "ftp://a/k" }', 'is no URL that begins with http:// or https://'],
    ['{ issuer: a, jwksUri: "https://a:99999/k" }', 'is no URL that begins with'],
    ['{ issuer: a, jwks: "nonsense" }', 'is no JSON Web Key Set'],
    ['{ issuer: a, jwks: \'{"keys":[]}\', jwksUri: "https://a/k" }', 'only one of jwksUri, jwks may be given'],
  ])('is refused when it cannot be carried out: %s', (broken, message) => {
    expect(issuesOf(tokens(broken))).toEqual([expect.stringContaining(message)]);
  });
});
