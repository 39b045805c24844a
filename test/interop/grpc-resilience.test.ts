import { describe, expect, it } from 'vitest';
import type { GrpcTestServer, UnaryHandler } from '../../packages/sdk/test/grpc/interop-server.js';
import { grpcLibraries } from './support/grpc-peer.js';
import { reviewsOf, startServers, startWorld, virtualService } from './support/grpc-world.js';

const unavailable = { code: 14, details: 'not now' };

/** As a server that is not ready for what it has not seen before. */
const failsFirstAttempt: UnaryHandler = async ({ metadata }) =>
  metadata.get('grpc-previous-rpc-attempts').length === 0 ? unavailable : undefined;

const fails: UnaryHandler = async () => unavailable;

const neverAnswers: UnaryHandler = () => new Promise(() => {});

function attemptsOf(servers: readonly GrpcTestServer[]): number {
  return servers.reduce((sum, { seen }) => sum + seen.length, 0);
}

/** Istio has no words for what gRPC ejects endpoints by, so this is Envoy's. */
function envoyConfig(servers: readonly GrpcTestServer[], outlierDetection: string): string {
  const endpoints = servers.map(
    ({ port }) => `{ endpoint: { address: { socket_address: { address: 127.0.0.1, port_value: ${port} } } } }`,
  );
  return `
static_resources:
  listeners:
    - address: { socket_address: { address: 0.0.0.0, port_value: 9080 } }
      filter_chains:
        - filters:
            - name: envoy.filters.network.http_connection_manager
              typed_config:
                "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
                stat_prefix: reviews
                route_config:
                  virtual_hosts:
                    - name: reviews
                      domains: [reviews.example.com]
                      routes: [{ match: { prefix: / }, route: { cluster: reviews } }]
                http_filters:
                  - name: envoy.filters.http.router
                    typed_config: { "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router }
  clusters:
    - name: reviews
      type: STATIC
      outlier_detection: { interval: 0.5s, max_ejection_percent: 50, ${outlierDetection} }
      load_assignment: { cluster_name: reviews, endpoints: [{ lb_endpoints: [${endpoints.join(', ')}] }] }
`;
}

const toReviews = 'route: [{ destination: { host: reviews } }]';

describe.each(grpcLibraries)('%s', (library) => {
  it('tries again what a VirtualService lets it try again', async () => {
    const servers = await startServers({ name: 'v1', unary: failsFirstAttempt });
    const { caller } = await startWorld(library, {
      'reviews.yaml': reviewsOf(servers),
      'retries.yaml': virtualService(`{ retries: { attempts: 2, retryOn: unavailable }, ${toReviews} }`),
    });
    // One after the other, so that the library's own throttling of retries has no part in it.
    expect((await caller.call(20, { parallel: 1 })).statuses).toEqual({ OK: 20 });
    expect(attemptsOf(servers)).toBe(40);
  });

  it('does not try again what fails more often than that, nor what it is told not to', async () => {
    const servers = await startServers({ name: 'v1', unary: fails });
    const { folder, caller } = await startWorld(library, {
      'reviews.yaml': reviewsOf(servers),
      'retries.yaml': virtualService(`{ retries: { attempts: 2, retryOn: unavailable }, ${toReviews} }`),
    });
    expect((await caller.call(1)).statuses).toEqual({ UNAVAILABLE: 1 });
    expect(attemptsOf(servers)).toBe(3);
    folder.write('retries.yaml', virtualService(`{ retries: { attempts: 0 }, ${toReviews} }`));
    const attemptsOfOne = async () => {
      const before = attemptsOf(servers);
      await caller.call(1);
      return attemptsOf(servers) - before;
    };
    await expect.poll(attemptsOfOne, { timeout: 5000 }).toBe(1);
  });

  it('ends a call at the time limit of its route, or at its own where that is earlier', async () => {
    const { caller } = await startWorld(library, {
      'reviews.yaml': reviewsOf(await startServers({ name: 'v1', unary: neverAnswers })),
      'timeout.yaml': virtualService(`{ timeout: 0.4s, ${toReviews} }`),
    });
    const ofRoute = await caller.call(4, { timeoutMs: 30_000 });
    expect(ofRoute.statuses).toEqual({ DEADLINE_EXCEEDED: 4 });
    expect(ofRoute.shortestMs).toBeGreaterThan(390);
    expect(ofRoute.longestMs).toBeLessThan(10_000);
    const own = await caller.call(4, { timeoutMs: 50 });
    expect(own.statuses).toEqual({ DEADLINE_EXCEEDED: 4 });
    expect(own.shortestMs).toBeLessThan(390);
  });

  it.each([
    [
      'its share of failed calls',
      `enforcing_success_rate: 0, enforcing_failure_percentage: 100, failure_percentage_threshold: 50,
       failure_percentage_minimum_hosts: 3, failure_percentage_request_volume: 5`,
    ],
    [
      'a success rate far below the others',
      'success_rate_minimum_hosts: 3, success_rate_request_volume: 5, success_rate_stdev_factor: 1000',
    ],
  ])('takes an endpoint out for %s', async (_, outlierDetection) => {
    const servers = await startServers({ name: 'v1' }, { name: 'v2' }, { name: 'v3', unary: fails });
    const { caller } = await startWorld(library, { 'envoy.yaml': envoyConfig(servers, outlierDetection) });
    const target = 'xds:///reviews.example.com:9080';
    const before = await caller.call(60, { target });
    expect(before.statuses.UNAVAILABLE).toBeGreaterThan(10);
    const statuses = async () => (await caller.call(30, { target })).statuses;
    await expect.poll(statuses, { timeout: 15_000 }).toEqual({ OK: 30 });
    const seen = servers[2]!.seen.length;
    expect(await statuses()).toEqual({ OK: 30 });
    expect(servers[2]!.seen).toHaveLength(seen);
  });
});
