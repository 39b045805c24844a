import { create, toBinary } from '@bufbuild/protobuf';
import { type Any, AnySchema, anyPack, DoubleValueSchema } from '@bufbuild/protobuf/wkt';
import {
  ClusterLoadAssignmentSchema,
  ClusterSchema,
  type RouteConfiguration,
  RouteConfigurationSchema,
} from '@inmesh/xds/messages';
import { typeUrls } from '../../packages/xds/src/resources/type-urls.js';
import { clusterMessage, listenerMessage, nestingBomb, routerFilter } from '../../packages/xds/test/fixtures.js';
import { type RawResource, rawResource, resourceOf } from './raw-xds-server.js';
import { xdsService } from './xds-shop.js';

/** One bad resource under a name, and what a refusal of it must say. */
export interface HostileCase {
  readonly what: string;
  readonly typeUrl: string;
  readonly resources: readonly RawResource[];
  readonly refusal: RegExp;
}

/** A cluster called `evil`. */
function evilCluster(init: Parameters<typeof clusterMessage>[1]): RawResource {
  return resourceOf('cluster', clusterMessage('evil', init));
}

/** The routes `ROUTES` of a service, changed. */
function evilRoutes(change: (routes: RouteConfiguration) => void, name: string): RawResource {
  const { route } = xdsService('shop', 1);
  change(route);
  return resourceOf('route', Object.assign(route, { name }));
}

function weights(...all: number[]): (routes: RouteConfiguration) => void {
  const clusters = all.map((weight, index) => ({ name: `c${index}`, weight }));
  return ({ virtualHosts }) => {
    virtualHosts[0]!.routes[0]!.action = create(RouteConfigurationSchema, {
      virtualHosts: [
        {
          routes: [
            {
              action: { case: 'route', value: { clusterSpecifier: { case: 'weightedClusters', value: { clusters } } } },
            },
          ],
        },
      ],
    }).virtualHosts[0]!.routes[0]!.action;
  };
}

function regex(pattern: string): (routes: RouteConfiguration) => void {
  return ({ virtualHosts }) => {
    virtualHosts[0]!.routes[0]!.match!.pathSpecifier = {
      case: 'safeRegex',
      value: { $typeName: 'envoy.type.matcher.v3.RegexMatcher', regex: pattern, engineType: { case: undefined } },
    };
  };
}

function any(typeUrl: string, value: Uint8Array): Any {
  return create(AnySchema, { typeUrl, value });
}

/** An aggregate cluster, by its wire form: its message is not among those that are generated. */
function aggregate(name: string, ...of: string[]): RawResource {
  const value = Buffer.concat(of.map((one) => Buffer.concat([Buffer.from([10, one.length]), Buffer.from(one)])));
  const typedConfig = any('type.googleapis.com/envoy.extensions.clusters.aggregate.v3.ClusterConfig', value);
  const clusterType = { name: 'envoy.clusters.aggregate', typedConfig };
  return resourceOf(
    'cluster',
    clusterMessage(name, { clusterDiscoveryType: { case: 'clusterType', value: clusterType } } as object),
  );
}

/** A 64-bit -1, where the field has 32 bits: it reads as 4294967295. */
function negativeWeights(name: string): RawResource {
  const message = create(ClusterLoadAssignmentSchema, {
    clusterName: name,
    endpoints: [1, 2].map(() => ({ locality: {}, loadBalancingWeight: 4_294_967_295 })),
  });
  const bytes = Buffer.from(toBinary(ClusterLoadAssignmentSchema, message));
  const unsigned = Buffer.from([8, 0xff, 0xff, 0xff, 0xff, 0x0f]);
  const negative = Buffer.from([8, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]);
  return rawResource('endpoint', name, splice(bytes, unsigned, negative));
}

/** Replaces a length-delimited field of two levels; both lengths grow with it. */
function splice(bytes: Buffer, from: Buffer, to: Buffer): Buffer {
  const grown = to.length - from.length;
  let result = bytes;
  for (let at = result.indexOf(from); at >= 0; at = result.indexOf(from, at + to.length)) {
    result = Buffer.concat([result.subarray(0, at), to, result.subarray(at + from.length)]);
    result[at - 1]! += grown;
    const locality = result.lastIndexOf(Buffer.from([0x12]), at - 3);
    result[locality + 1]! += grown;
  }
  return result;
}

const malformed = Buffer.from(toBinary(ClusterSchema, clusterMessage('evil', { altStatName: 'cut' })));

/** What a client refuses, whatever it has. `routes` and `endpoints` are names that it asks for. */
export function hostileCases({ routes, endpoints }: { routes: string; endpoints: string }): HostileCase[] {
  const cluster = (what: string, refusal: RegExp, ...resources: RawResource[]) => ({
    ...{ what, typeUrl: typeUrls.cluster, resources, refusal },
  });
  const route = (what: string, refusal: RegExp, change: (message: RouteConfiguration) => void) => ({
    ...{ what, typeUrl: typeUrls.route, resources: [evilRoutes(change, routes)], refusal },
  });
  const listener = (what: string, refusal: RegExp, filterType: string) => {
    const filter = { name: 'x', configType: { case: 'typedConfig', value: any(filterType, malformed) } } as const;
    const message = listenerMessage('evil:80', 'r', { httpFilters: [filter, routerFilter] });
    return { what, typeUrl: typeUrls.listener, resources: [resourceOf('listener', message)], refusal };
  };
  const giant = 'x'.repeat(1_000_000);
  return [
    cluster('cut off', /Cluster "evil": malformed protobuf/, rawResource('cluster', 'evil', malformed.subarray(0, -2))),
    cluster(
      'cut off in the name',
      /Cluster "\w*": malformed/,
      rawResource('cluster', 'evil', malformed.subarray(0, 3)),
    ),
    cluster(
      'random bytes',
      /Cluster "(evil)?": malformed/,
      rawResource('cluster', 'evil', Buffer.from('\xff\xfe\x07', 'latin1')),
    ),
    cluster(
      'a nesting bomb',
      /Cluster "(evil)?": malformed protobuf: .*nest|depth/,
      rawResource('cluster', 'evil', nestingBomb()),
    ),
    cluster(
      'a name twice',
      /Cluster "evil": stands in the response twice/,
      evilCluster({}),
      evilCluster({ altStatName: 'b' }),
    ),
    cluster(
      'another type in the Any',
      /Cluster "(evil)?": the type is "type.googleapis.com\/google.protobuf.DoubleValue", not/,
      { name: 'evil', any: anyPack(DoubleValueSchema, create(DoubleValueSchema, { value: 1 })) },
    ),
    cluster('a listener as a cluster', /Cluster "evil": the type is ".*v3.Listener", not ".*v3.Cluster"/, {
      name: 'evil',
      any: any(typeUrls.listener, malformed),
    }),
    cluster('no type at all', /Cluster "evil": the type is "", not/, { name: 'evil', any: any('', malformed) }),
    listener(
      'a type URL that ends in a slash, within',
      /Listener "evil:80": .*http_filters\[0\]: the filter "x" \(type.googleapis.com\/\) is not supported/,
      'type.googleapis.com/',
    ),
    listener(
      'an authorization filter that is not known',
      /Listener "evil:80": .*http_filters\[0\]: the filter "x" \(.*rbac.v3.RBAC\) is not supported/,
      'type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC',
    ),
    cluster(
      'NaN',
      /Cluster "evil": common_lb_config.healthy_panic_threshold: NaN is not between 0 and 100/,
      evilCluster({ commonLbConfig: { healthyPanicThreshold: { value: Number.NaN } } }),
    ),
    cluster(
      'infinity',
      /Cluster "evil": common_lb_config.healthy_panic_threshold: Infinity is not/,
      evilCluster({ commonLbConfig: { healthyPanicThreshold: { value: Number.POSITIVE_INFINITY } } }),
    ),
    cluster(
      'a negative duration',
      /Cluster "evil": connect_timeout: /,
      evilCluster({ connectTimeout: { seconds: -1n, nanos: 0 } }),
    ),
    cluster(
      'a duration of more than 300 years',
      /Cluster "evil": connect_timeout: /,
      evilCluster({ connectTimeout: { seconds: 9_223_372_036_854_775_807n, nanos: 0 } }),
    ),
    cluster(
      'aggregates in a circle',
      /Cluster "evil": .*\n?.*Cluster "evil2"/s,
      aggregate('evil', 'evil2'),
      aggregate('evil2', 'evil'),
    ),
    cluster(
      'aggregates deeper than 16',
      /Cluster "evil0": .*Cluster "evil19"/s,
      ...Array.from({ length: 20 }, (_, depth) => aggregate(`evil${depth}`, `evil${depth + 1}`)),
    ),
    cluster(
      'a name of a million characters',
      /Cluster "x{300}…": connect_timeout: /,
      resourceOf('cluster', clusterMessage(giant, { connectTimeout: { seconds: -1n } })),
    ),
    cluster('an empty name', /Cluster "": name: /, resourceOf('cluster', clusterMessage(''))),
    route(
      'weights that sum to zero',
      /RouteConfiguration ".*": virtual_hosts\[0\].routes\[0\].route.weighted_clusters.clusters: the sum of the weights is zero/,
      weights(0, 0),
    ),
    route(
      'weights that overflow',
      /weighted_clusters.clusters: the sum of the weights, 8589934590, is more than 4294967295/,
      weights(4_294_967_295, 4_294_967_295),
    ),
    route(
      'a pattern of 100,000 characters',
      /routes\[0\].match.safe_regex.regex: is 100000 characters long/,
      regex('a'.repeat(100_000)),
    ),
    route('a pattern that explodes', /match.safe_regex.regex: is too large/, regex('((a{100}){100}){100}')),
    route('a pattern that is none', /match.safe_regex.regex: is not a valid RE2 expression/, regex('(')),
    {
      what: 'negative weights',
      typeUrl: typeUrls.endpoint,
      resources: [negativeWeights(endpoints)],
      refusal: /ClusterLoadAssignment ".*": endpoints: weights of priority 0 sum to more than 4294967295/,
    },
  ];
}
