import { describe, expect, it } from 'vitest';
import type { PeerIdentity } from '../model/peer.js';
import { testCall } from '../testing/builders.js';
import { forwardedAddress } from './forwarded-address.js';
import { compileRbac } from './rbac.js';

const proxy: PeerIdentity = {
  ...{ spiffeId: 'spiffe://cluster.local/ns/istio-system/sa/gateway', trustDomain: 'cluster.local' },
  ...{ namespace: 'istio-system', serviceAccount: 'gateway' },
};

function forwarding(lines: string | string[] | undefined, peer: PeerIdentity | undefined = proxy) {
  const call = testCall({ headers: lines === undefined ? {} : { 'x-forwarded-for': lines } });
  call.sourceAddress = '10.0.0.2';
  call.connection = {
    ...{ isTls: true, peer, serverName: '', localAddress: '10.0.0.1', localPort: 80, remoteAddress: '10.0.0.2' },
  };
  return call;
}

describe('the address of the client', () => {
  it.each([
    ['1.2.3.4', '1.2.3.4'],
    ['9.9.9.9, 1.2.3.4', '1.2.3.4'],
    ['2001:db8::1', '2001:db8::1'],
    ['1.2.3.4, unknown', undefined],
    ['1.2.3.4:80', undefined],
    ['1.2.3.4,', undefined],
    [['9.9.9.9', '1.2.3.4'], '1.2.3.4'],
    [['1.2.3.4', ''], '1.2.3.4'],
    [undefined, undefined],
  ])('is the last that a peer forwards for: %j is %s', (lines, expected) => {
    expect(forwardedAddress(forwarding(lines))).toBe(expected);
  });

  it('is not what somebody without a certificate says', () => {
    const call = forwarding('1.2.3.4');
    call.connection = { ...call.connection!, peer: undefined };
    expect(forwardedAddress(call)).toBeUndefined();
  });
});

describe('a policy about clients', () => {
  const rules = (action: 'allow' | 'deny', address: string) =>
    compileRbac({
      action,
      policies: [
        {
          name: 'p',
          permissions: [{ kind: 'any' }],
          principals: [{ kind: 'remoteIp', range: { address, prefixLength: 8 } }],
        },
      ],
    });

  it('admits by the client, and refuses by the client and by its proxy', () => {
    const call = forwarding('1.2.3.4');
    expect(rules('allow', '1.0.0.0')(call).allowed).toBe(true);
    expect(rules('allow', '10.0.0.0')(call).allowed).toBe(false);
    expect(rules('deny', '1.0.0.0')(call).allowed).toBe(false);
    expect(rules('deny', '10.0.0.0')(call).allowed).toBe(false);
    expect(rules('deny', '11.0.0.0')(call).allowed).toBe(true);
    expect(rules('allow', '10.0.0.0')(forwarding(undefined)).allowed).toBe(true);
  });
});
