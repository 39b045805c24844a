import { type Endpoint, MeshError, type PeerIdentity, type UpstreamTls, type UpstreamTransport } from '@inmesh/core';
import { testCall, testEndpointView } from '@inmesh/core/testing';
import { Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import type { IdentitySource } from '../../src/identity/identity.js';
import { metricNames } from '../../src/telemetry/names.js';
import { prometheus } from '../../src/telemetry/prometheus.js';
import { clusterView, end, internals, reviewsCall } from './support.js';

const spiffeIdOf = (account: string) => `spiffe://cluster.local/ns/shop/sa/${account}`;

function peerOf(account: string): PeerIdentity {
  return { spiffeId: spiffeIdOf(account), trustDomain: 'cluster.local', namespace: 'shop', serviceAccount: account };
}

function metered(maxSeries?: number) {
  const register = new Registry();
  const identity = { current: { certificate: { identity: peerOf('page') } } } as unknown as IdentitySource;
  const telemetry = prometheus({ register, ...(maxSeries && { maxSeries }) }).create({ ...internals, identity });
  const labels = async () => {
    const metrics = await register.getMetricsAsJSON();
    const { values } = metrics.find(({ name }) => name === metricNames.requests)!;
    return values.map(({ labels: { source_principal, destination_principal, connection_security_policy } }) => [
      source_principal,
      destination_principal,
      connection_security_policy,
    ]);
  };
  return { register, telemetry, labels };
}

const meshTls: UpstreamTls = {
  certificate: { kind: 'workload' },
  trust: { kind: 'workload' },
  sni: '',
  subjectAltNames: [{ kind: 'exact', value: spiffeIdOf('reviews'), ignoreCase: false }],
  skipVerify: false,
};

function callBy(transport: UpstreamTransport, endpoint: Partial<Endpoint> = {}) {
  const call = reviewsCall();
  call.cluster = clusterView({ transport });
  call.endpoint = testEndpointView(endpoint);
  return call;
}

function incoming(account?: string) {
  const call = testCall({ scheme: account === undefined ? 'http' : 'https' });
  call.connection = {
    ...{ isTls: account !== undefined, peer: account === undefined ? undefined : peerOf(account), serverName: '' },
    ...{ localAddress: '127.0.0.1', localPort: 80, remoteAddress: '127.0.0.1' },
  };
  return call;
}

describe('principals in Istio metrics', () => {
  it('are those of both ends where the server answers over mutual TLS', async () => {
    const { telemetry, labels } = metered();
    end(telemetry, incoming('shop'), {}, 'server');
    end(telemetry, incoming('shop'), {}, 'server');
    end(telemetry, incoming('admin'), {}, 'server');
    end(telemetry, incoming(), {}, 'server');
    expect(await labels()).toEqual([
      [spiffeIdOf('shop'), spiffeIdOf('page'), 'mutual_tls'],
      [spiffeIdOf('admin'), spiffeIdOf('page'), 'mutual_tls'],
      ['unknown', 'unknown', 'none'],
    ]);
  });

  it('take the namespace of the source from its certificate, and nothing else', async () => {
    const { telemetry, register } = metered();
    end(telemetry, incoming('shop'), {}, 'server');
    const text = await register.getSingleMetricAsString(metricNames.requests);
    expect(text).toContain('source_workload="unknown",source_workload_namespace="shop"');
  });

  it('are what the endpoint had to prove where this workload calls', async () => {
    const { telemetry, labels } = metered();
    end(telemetry, callBy({ kind: 'byEndpoint', tls: meshTls }, { meshTls: true }));
    end(telemetry, callBy({ kind: 'byEndpoint', tls: meshTls }));
    end(telemetry, callBy({ kind: 'tls', tls: { ...meshTls, certificate: undefined } }));
    const others = [...meshTls.subjectAltNames, ...meshTls.subjectAltNames];
    end(telemetry, callBy({ kind: 'tls', tls: { ...meshTls, subjectAltNames: others } }));
    expect(await labels()).toEqual([
      [spiffeIdOf('page'), spiffeIdOf('reviews'), 'unknown'],
      ['unknown', 'unknown', 'unknown'],
      ['unknown', spiffeIdOf('reviews'), 'unknown'],
      [spiffeIdOf('page'), 'unknown', 'unknown'],
    ]);
  });

  it('name no server where no connection came up', async () => {
    const { telemetry, labels } = metered();
    const error = new MeshError('upstream_connection_failure');
    end(telemetry, callBy({ kind: 'tls', tls: meshTls }), { httpStatus: 503, error });
    expect(await labels()).toEqual([[spiffeIdOf('page'), 'unknown', 'unknown']]);
  });

  it('are `other` beyond the bound, and what they count is not lost', async () => {
    const { telemetry, labels, register } = metered(2);
    for (let i = 0; i < 50; i += 1) end(telemetry, incoming(`account-${i}`), {}, 'server');
    expect(await labels()).toHaveLength(3);
    expect((await labels()).at(-1)).toEqual(['other', 'other', 'mutual_tls']);
    expect(await register.getSingleMetricAsString(metricNames.requests)).toMatch(/ 48$/);
  });
});
