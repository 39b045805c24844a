import { create } from '@bufbuild/protobuf';
import { anyPack } from '@bufbuild/protobuf/wkt';
import { describe, expect, it } from 'vitest';
import { listenerMessage, problemsOf, routeMessage, routerFilter, someAny } from '../../test/fixtures.js';
import {
  ApiConfigSourceSchema,
  ApiConfigSource_ApiType as ApiType,
  type ConfigSource,
  CorsSchema,
  FilterConfigSchema,
  HTTPFaultSchema,
  HttpConnectionManagerSchema,
  ListenerSchema,
} from '../messages.js';
import { decodeListener } from './decode-listener.js';

const typed = (name: string, value = someAny()) => ({ name, configType: { case: 'typedConfig', value } }) as const;

describe('a listener', () => {
  it('names the route configuration that it takes from the stream', () => {
    const result = decodeListener(listenerMessage('Reviews.default:9080', 'r1'));
    expect(result).toEqual({ ok: true, value: { name: 'reviews.default:9080', routes: 'r1' }, warnings: [] });
  });

  it('carries its routes itself, under a name that no other listener has', () => {
    const routeConfig = routeMessage('local_route', 'c');
    const manager = { routeSpecifier: { case: 'routeConfig', value: routeConfig } } as const;
    const a = decodeListener(listenerMessage('a:80', '', manager));
    expect(a).toMatchObject({
      ok: true,
      value: { routes: { name: 'a:80/local_route', virtualHosts: [{ name: 'all' }] } },
    });
  });

  it('is refused with neither an API listener nor a port', () => {
    const result = decodeListener(create(ListenerSchema, { name: 'l', address: {} }));
    expect(problemsOf(result)).toEqual(['api_listener: is missing, and so is an address with a port']);
  });

  it('is refused when what it carries is no connection manager', () => {
    const message = create(ListenerSchema, { name: 'l', apiListener: { apiListener: someAny() } });
    expect(problemsOf(decodeListener(message))[0]).toContain('api_listener.api_listener: should be a');
  });

  it('is refused when its routes come from elsewhere, and without a name of routes', () => {
    const message = listenerMessage('l', '', { routeSpecifier: { case: 'rds', value: {} } });
    expect(problemsOf(decodeListener(message))).toEqual([
      'api_listener.api_listener.rds.config_source: should be "ads" or "self"',
      'api_listener.api_listener.rds.route_config_name: must not be empty',
    ]);
  });

  it('is refused with scoped routes, and with none at all', () => {
    const scoped = listenerMessage('l', '', { routeSpecifier: { case: 'scopedRoutes', value: {} } });
    const none = listenerMessage('l', '', { routeSpecifier: { case: undefined } });
    expect(problemsOf(decodeListener(scoped))[0]).toContain('scoped_routes: is not supported');
    expect(problemsOf(decodeListener(none))[0]).toContain('route_specifier: is missing');
  });
});

describe('the HTTP filters of a listener', () => {
  const decode = (...httpFilters: NonNullable<Parameters<typeof listenerMessage>[2]>['httpFilters'] & object) =>
    decodeListener(listenerMessage('l', 'r', { httpFilters }));

  it('end in a router', () => {
    expect(problemsOf(decode())).toEqual(['api_listener.api_listener.http_filters: is empty: a router is needed']);
    expect(problemsOf(decode(typed('x')))[0]).toContain('http_filters[0]: the last filter must be a router');
    expect(problemsOf(decode(routerFilter, { ...typed('x'), isOptional: true }))).toEqual([
      'api_listener.api_listener.http_filters[0]: a router must be the last filter',
      'api_listener.api_listener.http_filters[1]: the last filter must be a router',
    ]);
  });

  it('are all known, or optional, or disabled', () => {
    expect(problemsOf(decode(typed('ext.authz'), routerFilter))).toEqual([
      'api_listener.api_listener.http_filters[0]: the filter "ext.authz" (type.googleapis.com/google.protobuf.Empty) is not supported: leave it out, or say is_optional: true',
    ]);
    expect(decode({ ...typed('a'), isOptional: true }, { ...typed('b'), disabled: true }, routerFilter).ok).toBe(true);
  });

  it('have no name twice', () => {
    const filter = { ...typed('a'), isOptional: true };
    expect(problemsOf(decode(filter, filter, routerFilter))[0]).toContain('http_filters[1].name: "a" is used twice');
  });

  const fault = (httpStatus?: number) => {
    const errorType = { case: 'httpStatus', value: httpStatus ?? 0 } as const;
    const abort = { errorType, percentage: { numerator: 5 } };
    const message = create(HTTPFaultSchema, httpStatus === undefined ? {} : { abort });
    return typed('fault', anyPack(HTTPFaultSchema, message));
  };

  it('may hold an empty fault filter, as istiod sends it, and a CORS filter', () => {
    const cors = typed('cors', anyPack(CorsSchema, create(CorsSchema)));
    expect(decode(cors, fault(), routerFilter)).toMatchObject({ ok: true, warnings: [] });
  });

  it('cannot give a fault to routes that come by themselves', () => {
    expect(decode(fault(503), routerFilter)).toMatchObject({
      ok: true,
      warnings: [{ path: 'api_listener.api_listener.http_filters', message: expect.stringContaining('fault') }],
    });
  });

  it('give a fault to the listener’s own routes that have none', () => {
    const own = { 'envoy.filters.http.fault': fault(500).configType.value };
    const off = {
      'envoy.filters.http.fault': anyPack(FilterConfigSchema, create(FilterConfigSchema, { disabled: true })),
    };
    const routeConfig = routeMessage('local_route', 'c');
    const [route] = routeConfig.virtualHosts[0]!.routes;
    routeConfig.virtualHosts[0]!.routes = [
      route!,
      { ...route!, typedPerFilterConfig: own },
      { ...route!, typedPerFilterConfig: off },
    ];
    const routeSpecifier = { case: 'routeConfig', value: routeConfig } as const;
    const result = decodeListener(
      listenerMessage('l', '', { routeSpecifier, httpFilters: [fault(503), routerFilter] }),
    );
    if (!result.ok || typeof result.value.routes === 'string') throw new Error('should carry its routes');
    const faults = result.value.routes.virtualHosts[0]!.routes.map((decoded) => decoded.fault?.abort?.httpStatus);
    expect([faults, result.warnings]).toEqual([[503, 500, undefined], []]);
  });
});

describe('a socket listener', () => {
  const manager = create(HttpConnectionManagerSchema, {
    httpFilters: [routerFilter],
    routeSpecifier: {
      case: 'rds',
      value: { routeConfigName: 'r', configSource: { configSourceSpecifier: { case: 'ads', value: {} } } },
    },
  });
  const http = typed('hcm', anyPack(HttpConnectionManagerSchema, manager));
  const address = {
    address: {
      case: 'socketAddress',
      value: { address: '0.0.0.0', portSpecifier: { case: 'portValue', value: 8080 } },
    },
  } as const;

  it('routes the calls to all hosts on its port, as a proxy that they pass through would', () => {
    const message = create(ListenerSchema, { name: 'l', address, filterChains: [{ filters: [typed('x'), http] }] });
    expect(decodeListener(message)).toEqual({ ok: true, value: { name: '*:8080', routes: 'r' }, warnings: [] });
  });

  it('may do so in its default filter chain', () => {
    const message = create(ListenerSchema, { name: 'l', address, defaultFilterChain: { filters: [http] } });
    expect(decodeListener(message)).toMatchObject({ ok: true, value: { name: '*:8080' } });
  });

  it('routes by the first of several connection managers, and says so', () => {
    const message = create(ListenerSchema, {
      name: 'l',
      address,
      filterChains: [{ filters: [http] }, { filters: [http] }],
    });
    const path = 'filter_chains[1].filters[0].typed_config';
    expect(decodeListener(message)).toMatchObject({ ok: true, value: { name: '*:8080' }, warnings: [{ path }] });
  });

  it('routes nothing without HTTP, and is dialled by no name', () => {
    const message = create(ListenerSchema, { name: 'tcp:80', address, filterChains: [{ filters: [typed('tcp')] }] });
    expect(decodeListener(message)).toMatchObject({
      ok: true,
      value: { name: 'not HTTP: tcp:80', routes: { virtualHosts: [] } },
      warnings: [{ path: 'filter_chains' }],
    });
  });

  it('names the field in its chains that is wrong', () => {
    const bad = typed('hcm', anyPack(HttpConnectionManagerSchema, { ...manager, httpFilters: [] }));
    const message = create(ListenerSchema, { name: 'l', address, filterChains: [{ filters: [bad] }] });
    expect(problemsOf(decodeListener(message))).toEqual([
      'filter_chains[0].filters[0].typed_config.http_filters: is empty: a router is needed',
    ]);
  });
});

describe('where the routes of a listener come from', () => {
  const from = (configSourceSpecifier: ConfigSource['configSourceSpecifier']) =>
    decodeListener(
      listenerMessage('l', '', {
        routeSpecifier: { case: 'rds', value: { routeConfigName: 'r', configSource: { configSourceSpecifier } } },
      }),
    );
  const api = (apiType: ApiType) =>
    from({ case: 'apiConfigSource', value: create(ApiConfigSourceSchema, { apiType }) });

  it('may be a server that is named as for Envoy: the same stream is asked', () => {
    for (const apiType of [ApiType.GRPC, ApiType.DELTA_GRPC, ApiType.AGGREGATED_GRPC]) {
      const path = 'api_listener.api_listener.rds.config_source.api_config_source';
      expect(api(apiType)).toMatchObject({ ok: true, warnings: [{ path }] });
    }
  });

  it('may not be anything else', () => {
    expect(problemsOf(api(ApiType.REST))[0]).toContain('config_source: should be "ads" or "self"');
    expect(problemsOf(from({ case: 'path', value: '/x' }))[0]).toContain('should be "ads" or "self"');
  });
});
