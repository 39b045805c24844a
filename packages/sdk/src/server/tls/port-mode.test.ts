import { awaitedInbound, type InboundChain, InboundPolicy } from '@inmesh/core';
import { describe, expect, it } from 'vitest';
import type { MeshInternals } from '../../mesh-internals.js';
import { portMode } from './port-mode.js';

function modeOf(
  port: number,
  chains: readonly (readonly [number, InboundChain['transport']])[] | undefined,
  identity = {},
) {
  const listener = {
    name: 'virtualInbound',
    chains: (chains ?? []).map(([of, transport]) => ({
      ...{ port: of, transport, clientCertificate: 'required' as const, filters: [] },
    })),
  };
  const inbound = chains === undefined ? undefined : new InboundPolicy(listener);
  return portMode({ snapshots: { current: { inbound } }, ...identity } as unknown as MeshInternals, port);
}

describe('what a port takes', () => {
  it('is what the chains that name it say, else those for every port', () => {
    const chains = [
      [0, 'tls'],
      [80, 'tls'],
      [80, 'plaintext'],
      [81, 'plaintext'],
    ] as const;
    expect([80, 81, 82].map((port) => modeOf(port, chains))).toEqual(['both', 'plaintext', 'tls']);
  });

  it('is nothing where no chain takes it', () => {
    expect(modeOf(80, [[81, 'tls']])).toBe('closed');
  });

  it('is nothing for calls while the configuration is awaited, and all connections are told so', () => {
    const snapshots = { current: { inbound: new InboundPolicy(awaitedInbound) } };
    expect(portMode({ snapshots } as unknown as MeshInternals, 80)).toBe('plaintext');
    expect(portMode({ snapshots, identity: {} } as unknown as MeshInternals, 80)).toBe('awaited');
  });

  it('is both with an identity and without policies, and plain text without either', () => {
    expect(modeOf(80, undefined, { identity: {} })).toBe('both');
    expect(modeOf(80, undefined)).toBe('plaintext');
  });
});
