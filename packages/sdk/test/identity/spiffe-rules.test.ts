import { X509Certificate } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type CertificateOptions,
  makeCertificate,
  sequence,
  type TestCertificate,
  tagged,
} from '../../../../test/support/certificates.js';
import { verifyPeer } from '../../src/identity/verify-peer.js';

const workload = 'spiffe://cluster.local/ns/default/sa/shop';
const caUsage = ['keyCertSign'] as const;
const oids = { subjectAltName: '551d11', nameConstraints: '551d1e', policies: '551d20' };

interface Named {
  readonly made: TestCertificate;
  readonly issuer: NonNullable<CertificateOptions['issuer']>;
}

function authority(name: string, options: CertificateOptions = {}): Named {
  const made = makeCertificate({ hosts: [name], isCa: true, keyUsage: caUsage, ...options });
  return { made, issuer: { hosts: [name], keyObject: made.keyObject } };
}

function leafOf(issuer: Named, options: CertificateOptions = {}): TestCertificate {
  const usual = { hosts: ['shop.default.svc'], uris: [workload], keyUsage: ['digitalSignature'] } as const;
  return makeCertificate({ ...usual, issuer: issuer.issuer, ...options });
}

/** The leaf, what is sent with it, and the one authority of the bundle. */
function verdict(leaf: TestCertificate, between: readonly Named[], root: Named) {
  const read = ({ certificate }: TestCertificate) => new X509Certificate(certificate);
  const chain = [leaf, ...between.map(({ made }) => made)].map(read);
  return verifyPeer(chain, new Map([['cluster.local', [read(root.made)]]]), Date.now());
}

/** Below a root that may say more of itself than that it is one. */
function chainOf(options: { root?: CertificateOptions; first?: CertificateOptions; leaf?: CertificateOptions }) {
  const root = authority('root', options.root);
  const first = authority('first', { issuer: root.issuer, ...options.first });
  return verdict(leafOf(first, options.leaf), [first], root);
}

const refusedChain = (detail: string) => ({
  ok: false,
  reason: 'invalid_authority',
  detail: expect.stringContaining(detail),
});

type Constraint = readonly ['permitted' | 'excluded', tag: number, base: string | Buffer];

function constraints(...list: Constraint[]): Pick<CertificateOptions, 'extensions'> {
  const subtrees = (wanted: string) =>
    list.filter(([kind]) => kind === wanted).map(([, tag, base]) => sequence(tagged(tag, Buffer.from(base))));
  const parts = [
    [0xa0, subtrees('permitted')],
    [0xa1, subtrees('excluded')],
  ] as const;
  const value = sequence(...parts.filter(([, all]) => all.length > 0).map(([tag, all]) => tagged(tag, ...all)));
  return { extensions: [{ oid: oids.nameConstraints, isCritical: true, value }] };
}

const uri = 0x86;
const dns = 0x82;
const ip = 0x87;
const email = 0x81;

describe('a chain of SVIDs', () => {
  it('may have DNS names, an unknown extension that is not critical, and signers that are SVIDs of its trust domain', () => {
    const hint = { oid: '2a0304', value: sequence() };
    expect(chainOf({ leaf: { hosts: ['a.org', 'b.org', '127.0.0.1'], extensions: [hint] } }).ok).toBe(true);
    const uris = ['spiffe://cluster.local'];
    expect(chainOf({ root: { uris }, first: { uris } }).ok).toBe(true);
  });

  it('has a leaf of one SAN extension: with two, readers would not agree on who it is', () => {
    const value = sequence(tagged(uri, Buffer.from('spiffe://cluster.local/ns/default/sa/admin')));
    const second = [{ oid: oids.subjectAltName, value }];
    expect(chainOf({ leaf: { extensions: second } })).toMatchObject({ ok: false, reason: 'unreadable' });
    expect(chainOf({ first: { extensions: second } })).toMatchObject({ ok: false, reason: 'unknown_authority' });
  });

  it.each<[string, CertificateOptions]>([
    ['root', { extensions: [{ oid: oids.policies, isCritical: true, value: sequence() }] }],
    ['first', { extensions: [{ oid: '2a0304', isCritical: true, value: sequence() }] }],
    ['leaf', { extensions: [{ oid: '2a0304', isCritical: true, value: sequence() }] }],
  ])('is refused with a critical extension that nobody here knows: %s', (which, options) => {
    expect(chainOf({ [which]: options })).toMatchObject(refusedChain('critical extensions that are not known'));
  });

  it.each([
    [0, 0, true],
    [0, 1, false],
    [1, 1, true],
    [1, 2, false],
    [2, 2, true],
  ])('under a root with the path length %d has up to that many intermediates: %d', (pathLength, count, isTaken) => {
    const root = authority('root', { pathLength });
    const between: Named[] = [];
    for (let made = 1; made <= count; made += 1) {
      between.unshift(authority(`intermediate ${made}`, { issuer: (between[0] ?? root).issuer }));
    }
    const result = verdict(leafOf(between[0] ?? root), between, root);
    expect(result).toMatchObject(isTaken ? { ok: true } : refusedChain(`allows ${pathLength} intermediates`));
  });

  it.each<[string, Constraint[], boolean]>([
    ['its trust domain', [['permitted', uri, 'cluster.local']], true],
    ['its trust domain in upper case', [['permitted', uri, 'CLUSTER.LOCAL']], true],
    [
      'one of several',
      [
        ['permitted', uri, 'other.org'],
        ['permitted', uri, 'cluster.local'],
      ],
      true,
    ],
    ['what is below a domain', [['permitted', uri, '.local']], true],
    ['another trust domain', [['permitted', uri, 'other.org']], false],
    ['the domain above, which is a host for URIs', [['permitted', uri, 'local']], false],
    ['what is below its trust domain', [['permitted', uri, '.cluster.local']], false],
    ['a domain with the same end', [['permitted', uri, 'uster.local']], false],
    ['all but its trust domain', [['excluded', uri, 'cluster.local']], false],
    ['all but another trust domain', [['excluded', uri, 'other.org']], true],
    [
      'it, and forbids it',
      [
        ['permitted', uri, '.local'],
        ['excluded', uri, 'cluster.local'],
      ],
      false,
    ],
    ['no URI', [['excluded', uri, '']], false],
    ['its DNS name', [['permitted', dns, 'default.svc']], true],
    ['other DNS names', [['permitted', dns, 'ault.svc']], false],
    ['all but its DNS name', [['excluded', dns, 'svc']], false],
    ['addresses, and it has none', [['permitted', ip, Buffer.from([10, 0, 0, 0, 255, 0, 0, 0])]], true],
    ['e-mail addresses, and it has none', [['permitted', email, 'a.org']], true],
  ])('is within the name constraints of its signers: %s', (_what, list, isTaken) => {
    const expected = isTaken ? { ok: true } : refusedChain('is not allowed');
    // Those of the root hold for the intermediate as well, whose names are others.
    const named = { hosts: ['first.default.svc'] };
    expect(chainOf({ first: constraints(...list) })).toMatchObject(expected);
    const root = authority('root', constraints(...list));
    const first = authority('first', { ...named, issuer: root.issuer });
    const leaf = leafOf({ made: first.made, issuer: { ...first.issuer, hosts: named.hosts } });
    expect(verdict(leaf, [first], root)).toMatchObject(expected);
  });

  it.each([
    [[10, 0, 0, 0, 255, 0, 0, 0], true],
    [[10, 1, 0, 0, 255, 255, 0, 0], false],
    [[0, 0, 0, 0, 0, 0, 0, 0], true],
  ])('is within those for addresses: %j', (base, isTaken) => {
    const first = constraints(['permitted', ip, Buffer.from(base)]);
    expect(chainOf({ first, leaf: { hosts: ['shop', '10.2.3.4'] } }).ok).toBe(isTaken);
  });

  it('is refused where names of a kind that is not looked into are constrained', () => {
    const subject = constraints(['permitted', 0xa4, sequence()]);
    expect(chainOf({ first: subject })).toMatchObject(refusedChain('of a kind whose constraints are not known'));
  });

  it.each<[string, string[], string]>([
    ['has a path', ['spiffe://cluster.local/ca'], 'what signs has no path'],
    ['is of another trust domain', ['spiffe://other.org'], 'has signed for another trust domain'],
    ['is not well formed', ['spiffe://Cluster.local'], 'other characters'],
    ['is one of two URI names', ['spiffe://cluster.local', 'https://a.org'], 'other URI names'],
    ['has another case', ['SPIFFE://cluster.local'], 'does not begin with spiffe://'],
  ])('is refused when the SPIFFE ID of an intermediate %s', (_what, uris, detail) => {
    expect(chainOf({ first: { uris } })).toMatchObject(refusedChain(detail));
  });

  it('may have a signer of another trust domain further up, and any name in the bundle', () => {
    const root = authority('root', { uris: ['spiffe://far.org/with/path'] });
    const upper = authority('upper', { uris: ['spiffe://far.org'], issuer: root.issuer });
    const lower = authority('lower', { uris: ['spiffe://cluster.local'], issuer: upper.issuer });
    expect(verdict(leafOf(lower), [lower, upper], root).ok).toBe(true);
  });

  it('goes by another way where one does not lead to an authority that is trusted', () => {
    const [old, root] = [authority('old root'), authority('root')];
    const lower = authority('lower', { issuer: root.issuer });
    const upper = authority('upper', { issuer: root.issuer });
    const leaf = leafOf(lower);
    // The same name and key, signed by the root before.
    const before = makeCertificate({ hosts: ['lower'], isCa: true, keyUsage: caUsage, issuer: old.issuer });
    expect(verdict(leaf, [{ made: before, issuer: lower.issuer }, upper, lower], root).ok).toBe(true);
  });

  it('is not followed for ever where it leads in circles', () => {
    const key = authority('a');
    const [today, day] = [Date.now(), 86_400_000];
    const again = (days: number) =>
      authority('a', { issuer: key.issuer, keyObject: key.made.keyObject, notAfter: new Date(today + days * day) });
    // Each is signed by all: there are 8! ways, and none leads to the root.
    const ring = [1, 2, 3, 4, 5, 6, 7, 8].map(again);
    const leaf = leafOf(key);
    expect(verdict(leaf, ring, authority('root'))).toMatchObject({ ok: false, reason: 'unknown_authority' });
  });
});

describe('the name of a workload', () => {
  const label = fc.stringMatching(/^[a-z0-9._-]{1,12}$/);
  const segment = fc.stringMatching(/^[A-Za-z0-9_-]{1,12}$/);
  const root = authority('root');
  const check = (id: string) => verdict(leafOf(root, { uris: [id] }), [], root);

  it('is taken whole when it is well formed', () => {
    const paths = fc.array(segment, { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(fc.oneof(fc.constant('cluster.local'), label), paths, (domain, path) => {
        const spiffeId = `spiffe://${domain}/${path.join('/')}`;
        const result = check(spiffeId);
        if (domain === 'cluster.local') expect(result).toMatchObject({ ok: true, identity: { spiffeId } });
        else expect(result).toMatchObject({ ok: false, reason: 'untrusted_domain' });
      }),
      { numRuns: 50 },
    );
  });

  it('is refused with any one character that SPIFFE does not allow', () => {
    const other = fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code));
    fc.assert(
      fc.property(other, fc.nat({ max: workload.length }), (character, at) => {
        fc.pre(!/[A-Za-z0-9._/-]/.test(character));
        const bytes = Buffer.from(workload.slice(0, at) + character + workload.slice(at), 'latin1').toString('latin1');
        expect(check(bytes)).toMatchObject({ ok: false, reason: 'invalid_spiffe_id' });
      }),
      { numRuns: 50 },
    );
  });
});
