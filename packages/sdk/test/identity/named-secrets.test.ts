import type { ReceivedSecret } from '@inmesh/xds/client';
import { describe, expect, it } from 'vitest';
import { MeshAuthority } from '../../../../test/support/mesh-authority.js';
import { NamedSecrets } from '../../src/identity/named-secrets.js';

const authority = new MeshAuthority();
const { chain, key, bundle } = authority.issue('shop');
const pair: ReceivedSecret = { kind: 'certificate', chain, key };
const trust: ReceivedSecret = { kind: 'authorities', text: bundle };

describe('Secrets by name', () => {
  it('are a pair or authorities, and nothing under the name of the other', () => {
    const secrets = new NamedSecrets();
    secrets.put('a', () => pair);
    secrets.put('b', () => trust);
    expect(secrets.certificate('a')).toEqual({ certificateChain: chain, privateKey: key });
    expect(secrets.authorities('b')).toBe(bundle);
    expect([secrets.certificate('b'), secrets.authorities('a'), secrets.certificate('c')]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });

  it.each<[string, ReceivedSecret, string]>([
    ['a key of another', { ...pair, key: authority.issue('shop').key }, 'its key is not that of its certificate'],
    ['half a key', { ...pair, key: key.slice(0, 99) }, 'its key is no private key (ERR_OSSL_UNSUPPORTED)'],
    ['half a certificate', { ...pair, chain: chain.slice(0, 99) }, 'block 1 is cut short'],
    ['no authorities', { kind: 'authorities', text: '' }, 'there is no certificate in it'],
    ['half of the authorities', { kind: 'authorities', text: bundle + bundle.slice(0, 99) }, 'block 2 is cut short'],
    ['a domain without any', { kind: 'domains', texts: new Map([['a', 'x']]) }, 'there is no certificate in it'],
  ])('stay what they were when %s comes', (_what, bad, reason) => {
    const secrets = new NamedSecrets();
    const good = bad.kind === 'certificate' ? pair : trust;
    secrets.put('a', () => good);
    expect(secrets.put('a', () => bad)).toBe(reason);
    expect(secrets.problem('a')).toBe(reason);
    expect(secrets.certificate('a')?.privateKey ?? secrets.authorities('a')).toBe(
      good.kind === 'certificate' ? key : bundle,
    );
    expect(secrets.put('a', () => good)).toBeUndefined();
    expect(secrets.problem('a')).toBeUndefined();
  });

  it('are forgotten with their names', () => {
    const secrets = new NamedSecrets();
    secrets.put('a', () => pair);
    secrets.put('b', () => pair);
    secrets.keepOnly(new Set(['b']));
    expect([secrets.has('a'), secrets.has('b')]).toEqual([false, true]);
  });
});
