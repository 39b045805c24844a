import { type Call, HeaderList, MeshError } from '@inmesh/core';
import { request } from 'undici';
import { describe, expect, it } from 'vitest';
import { MeshDispatcher } from '../../src/http/dispatcher.js';
import { inboundCalls } from '../../src/server/context.js';
import { InboundCall } from '../../src/server/inbound-call.js';
import { testInternals } from '../server/internals.js';

/** The source address of an outgoing call that is made while `serving` is served. */
async function sourceAddressOf(podIp: string, serving?: InboundCall): Promise<string> {
  const internals = testInternals();
  const seen: Call[] = [];
  const dispatcher = new MeshDispatcher(
    { ...internals, workload: { ...internals.workload, podIp } },
    async (call) => {
      seen.push(call);
      throw new MeshError('no_route');
    },
    () => undefined,
    async () => {},
  );
  const send = () => request('http://reviews/', { dispatcher }).catch(() => {});
  await (serving === undefined ? send() : inboundCalls.run(serving, send));
  return seen[0]!.sourceAddress;
}

function inboundFrom(sourceAddress: string): InboundCall {
  const call = new InboundCall({
    protocol: 'http',
    scheme: 'http',
    authority: 'ratings',
    method: 'GET',
    path: '/',
    headers: new HeaderList(),
    snapshot: testInternals().snapshots.current,
    startedAt: 0,
  });
  call.sourceAddress = sourceAddress;
  return call;
}

describe('the source address of an outgoing call', () => {
  it('is that of the client whose request is served', async () => {
    expect(await sourceAddressOf('10.0.0.5', inboundFrom('10.1.2.3'))).toBe('10.1.2.3');
  });

  it('is our own where no request is served, or its client is not known', async () => {
    expect(await sourceAddressOf('10.0.0.5')).toBe('10.0.0.5');
    expect(await sourceAddressOf('10.0.0.5', inboundFrom(''))).toBe('10.0.0.5');
  });
});
