import { toJson } from '@bufbuild/protobuf';
import { anyUnpack } from '@bufbuild/protobuf/wkt';
import { HttpConnectionManagerSchema, ListenerSchema } from '@inmesh/xds/messages';
import { describe, expect, it } from 'vitest';
import { loadWith } from '../../../test/support.js';
import { buildServerListener } from './server-listeners.js';

describe('The listener of a gRPC server', () => {
  it.each([
    ['xds.istio.io/grpc/lds/inbound/0.0.0.0:8080', '0.0.0.0', 8080],
    ['xds.istio.io/grpc/lds/inbound/[::]:50051', '::', 50051],
    ['grpc/server?xds.resource.listening_address=127.0.0.1:8080', '127.0.0.1', 8080],
    ['grpc/server?a=b&xds.resource.listening_address=[::1]:1', '::1', 1],
    ['grpc/server/10.0.0.1:80', '10.0.0.1', 80],
    ['xdstp://some/envoy.config.listener.v3.Listener/grpc/server/%5B::%5D:8080', '::', 8080],
  ])('is made from its name: %s', (name, address, portValue) => {
    expect(toJson(ListenerSchema, { ...buildServerListener(name)!, defaultFilterChain: undefined })).toEqual({
      name,
      address: { socketAddress: { address, portValue } },
    });
  });

  it('takes all calls and forwards none (gRFC A36)', () => {
    const { defaultFilterChain } = buildServerListener('grpc/server/0.0.0.0:80')!;
    const { configType } = defaultFilterChain!.filters[0]!;
    if (configType.case !== 'typedConfig') throw new Error(`${configType.case}`);
    const { routeSpecifier, httpFilters } = anyUnpack(configType.value, HttpConnectionManagerSchema)!;
    expect(httpFilters.map(({ name }) => name)).toEqual(['envoy.filters.http.router']);
    expect(routeSpecifier.value).toMatchObject({
      virtualHosts: [{ domains: ['*'], routes: [{ action: { case: 'nonForwardingAction' } }] }],
    });
  });

  it.each([
    'reviews.default.svc.cluster.local:9080',
    '10.0.0.1:80',
    'grpc/server/reviews:80',
    'grpc/server/10.0.0.1:99999',
    'grpc/server/10.0.0.1',
    'grpc/server?xds.resource.listening_address=%s',
    'grpc/server/%E0%A4%A:80',
    '',
  ])('is not made for a name that is none: %j', (name) => {
    expect(buildServerListener(name)).toBeUndefined();
  });

  it('is there for gRPC alone', () => {
    const onDemand = (kind: 'inmesh' | 'envoy' | 'grpc') =>
      loadWith({ client: { kind, namespace: 'default' } }).resources.listenerOnDemand;
    expect(onDemand('grpc')).toBe(buildServerListener);
    expect([onDemand('envoy'), onDemand('inmesh')]).toEqual([undefined, undefined]);
  });
});
