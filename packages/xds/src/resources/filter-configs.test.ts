import { create, type DescMessage, type MessageInitShape } from '@bufbuild/protobuf';
import { type Any, anyPack } from '@bufbuild/protobuf/wkt';
import { describe, expect, it } from 'vitest';
import { problemsOf, someAny } from '../../test/fixtures.js';
import {
  FilterConfigSchema,
  FractionalPercent_DenominatorType,
  HTTPFaultSchema,
  HttpCorsPolicySchema,
  RouteConfigurationSchema,
  type RouteSchema,
  type VirtualHostSchema,
} from '../messages.js';
import { decodeRouteConfiguration } from './decode-route-configuration.js';

const pack = <Desc extends DescMessage>(schema: Desc, init?: MessageInitShape<Desc>) =>
  anyPack(schema, create(schema, init));

type Fault = MessageInitShape<typeof HTTPFaultSchema>;
type Cors = MessageInitShape<typeof HttpCorsPolicySchema>;

const faultKey = 'envoy.filters.http.fault';
const corsKey = 'envoy.filters.http.cors';

const fault = (init: Fault) => ({ [faultKey]: pack(HTTPFaultSchema, init) });
const cors = (init: Cors) => ({ [corsKey]: pack(HttpCorsPolicySchema, init) });
const abort = (value: number) =>
  fault({ abort: { errorType: { case: 'httpStatus', value }, percentage: { numerator: 1 } } });

interface Levels {
  readonly route?: Record<string, Any>;
  readonly target?: Record<string, Any>;
  readonly host?: Record<string, Any>;
  readonly all?: Record<string, Any>;
  readonly routeInit?: object;
  readonly hostInit?: MessageInitShape<typeof VirtualHostSchema>;
}

const decode = ({ route = {}, target = {}, host = {}, all = {}, routeInit, hostInit }: Levels) => {
  const clusters = [{ name: 'c', weight: 1, typedPerFilterConfig: target }];
  const value = { clusterSpecifier: { case: 'weightedClusters', value: { clusters } } as const, ...routeInit };
  const onlyRoute: MessageInitShape<typeof RouteSchema> = {
    match: { pathSpecifier: { case: 'prefix', value: '/' } },
    action: { case: 'route', value },
    typedPerFilterConfig: route,
  };
  const virtualHost = { ...hostInit, name: 'h', domains: ['*'], typedPerFilterConfig: host, routes: [onlyRoute] };
  const init = { name: 'r', typedPerFilterConfig: all, virtualHosts: [virtualHost as object] };
  return decodeRouteConfiguration(create(RouteConfigurationSchema, init));
};

const routeOf = (levels: Levels) => {
  const result = decode(levels);
  if (!result.ok) throw new Error(problemsOf(result).join('\n'));
  return { ...result.value.virtualHosts[0]!.routes[0]!, warnings: result.warnings.map(({ path }) => path) };
};

describe('a fault', () => {
  it('delays and aborts shares of the requests that match', () => {
    const { TEN_THOUSAND, MILLION } = FractionalPercent_DenominatorType;
    const route = fault({
      delay: {
        faultDelaySecifier: { case: 'fixedDelay', value: { seconds: 5n } },
        percentage: { numerator: 4000, denominator: TEN_THOUSAND },
      },
      abort: {
        errorType: { case: 'httpStatus', value: 503 },
        percentage: { numerator: 7, denominator: MILLION },
      },
      headers: [{ name: 'X-User' }],
      maxActiveFaults: 3,
    });
    expect(routeOf({ route })).toMatchObject({
      warnings: [],
      fault: {
        delay: { fixedMs: 5000, perMillion: 400_000 },
        abort: { httpStatus: 503, grpcStatus: undefined, perMillion: 7 },
        headers: [{ name: 'x-user' }],
        maxActive: 3,
      },
    });
  });

  it('hits nobody without a percentage, and any number at once without a limit', () => {
    const route = fault({ abort: { errorType: { case: 'grpcStatus', value: 14 } } });
    expect(routeOf({ route }).fault).toEqual({
      delay: undefined,
      abort: { httpStatus: 503, grpcStatus: 14, perMillion: 0 },
      headers: [],
      maxActive: Number.POSITIVE_INFINITY,
    });
  });

  it('is none when it does nothing, or is meant for some clusters or callers only', () => {
    expect(routeOf({ route: fault({}) })).toMatchObject({ fault: undefined, warnings: [] });
    const errorType = { case: 'httpStatus', value: 500 } as const;
    const route = fault({ abort: { errorType }, upstreamCluster: 'x', downstreamNodes: ['n'] });
    const path = `virtual_hosts[0].routes[0].typed_per_filter_config["${faultKey}"]`;
    expect(routeOf({ route })).toMatchObject({
      fault: undefined,
      warnings: [`${path}.upstream_cluster`, `${path}.downstream_nodes`],
    });
  });

  it('cannot be asked for by a header, and does not slow a response down', () => {
    const route = fault({
      delay: { faultDelaySecifier: { case: 'headerDelay', value: {} } },
      abort: { errorType: { case: 'headerAbort', value: {} } },
      responseRateLimit: {},
    });
    const path = `virtual_hosts[0].routes[0].typed_per_filter_config["${faultKey}"]`;
    expect(routeOf({ route })).toMatchObject({
      fault: undefined,
      warnings: [`${path}.response_rate_limit`, `${path}.delay.header_delay`, `${path}.abort.header_abort`],
    });
  });

  it('says what is wrong', () => {
    const wrong: Fault = {
      delay: { faultDelaySecifier: { case: 'fixedDelay', value: {} } },
      abort: { errorType: { case: 'httpStatus', value: 199 } },
    };
    const path = `virtual_hosts[0].routes[0].typed_per_filter_config["${faultKey}"]`;
    expect(problemsOf(decode({ route: fault(wrong) }))).toEqual([
      `${path}.delay.fixed_delay: must be more than zero`,
      `${path}.abort.http_status: 199 is not between 200 and 599`,
    ]);
    expect(problemsOf(decode({ route: fault({ delay: {}, abort: {} }) }))).toEqual([
      `${path}.delay.fixed_delay: is missing`,
      expect.stringContaining(`${path}.abort.error_type: is missing`),
    ]);
  });

  it('of the most specific level counts', () => {
    const statusOf = (levels: Levels) => routeOf(levels).fault?.abort?.httpStatus;
    expect(statusOf({ route: abort(501), host: abort(502), all: abort(503) })).toBe(501);
    expect(statusOf({ host: abort(502), all: abort(503) })).toBe(502);
    expect(statusOf({ all: abort(503) })).toBe(503);
    expect(statusOf({ route: fault({}), host: abort(502) })).toBeUndefined();
  });

  it('may be that of one target', () => {
    const of = (target: Record<string, Any>) => {
      const { action } = routeOf({ target, route: abort(500) });
      return action.kind === 'forward' ? action.targets[0]?.fault : undefined;
    };
    expect(of(abort(501))).toMatchObject({ abort: { httpStatus: 501 } });
    expect(of({ [faultKey]: pack(FilterConfigSchema, { disabled: true }) })).toMatchObject({ abort: undefined });
    expect(of({})).toBeUndefined();
  });
});

describe('CORS', () => {
  const policy: Cors = {
    allowOriginStringMatch: [{ matchPattern: { case: 'exact', value: 'https://a' } }],
    allowMethods: 'GET,POST',
    allowHeaders: 'x-a',
    exposeHeaders: 'x-b',
    maxAge: '86400',
    allowCredentials: true,
    forwardNotMatchingPreflights: false,
  };

  it('is read whole', () => {
    expect(routeOf({ route: cors(policy) }).cors).toEqual({
      allowOrigins: [{ kind: 'exact', value: 'https://a', ignoreCase: false }],
      allowMethods: 'GET,POST',
      allowHeaders: 'x-a',
      exposeHeaders: 'x-b',
      maxAge: '86400',
      allowCredentials: true,
      forwardUnmatchedPreflights: false,
    });
  });

  it('has Envoy’s defaults', () => {
    expect(routeOf({ host: cors({}) }).cors).toEqual({
      allowOrigins: [],
      allowMethods: '',
      allowHeaders: '',
      exposeHeaders: '',
      maxAge: '',
      allowCredentials: false,
      forwardUnmatchedPreflights: true,
    });
  });

  it('of the most specific level counts, field by field', () => {
    const route = cors({ maxAge: '1', allowCredentials: false });
    expect(routeOf({ route, host: cors(policy), all: cors({ maxAge: '3', allowMethods: 'PUT' }) }).cors).toMatchObject({
      allowOrigins: [{ value: 'https://a' }],
      allowMethods: 'GET,POST',
      maxAge: '1',
      allowCredentials: false,
      forwardUnmatchedPreflights: false,
    });
  });

  it('can be switched off, and is not watched only', () => {
    const share = (numerator: number) => ({ filterEnabled: { defaultValue: { numerator } } });
    expect(routeOf({ route: cors(share(0)), host: cors(policy) }).cors).toBeUndefined();
    const path = `virtual_hosts[0].routes[0].typed_per_filter_config["${corsKey}"]`;
    expect(routeOf({ route: cors({ ...share(50), shadowEnabled: {} }) })).toMatchObject({
      cors: { allowOrigins: [] },
      warnings: [`${path}.shadow_enabled`, `${path}.filter_enabled`],
    });
    const disabled = { [corsKey]: pack(FilterConfigSchema, { disabled: true }) };
    expect(routeOf({ route: disabled, host: cors(policy) }).cors).toBeUndefined();
  });

  it('may come in the deprecated fields, which the filter’s own overrule', () => {
    const old = {
      cors: { maxAge: '1', enabledSpecifier: { case: 'filterEnabled', value: { defaultValue: { numerator: 100 } } } },
    };
    expect(routeOf({ routeInit: old }).cors?.maxAge).toBe('1');
    expect(routeOf({ hostInit: { cors: { maxAge: '2' } } }).cors?.maxAge).toBe('2');
    expect(routeOf({ routeInit: old, route: cors({ maxAge: '3' }) }).cors?.maxAge).toBe('3');
    const off = { enabledSpecifier: { case: 'filterEnabled', value: { defaultValue: { numerator: 0 } } } as const };
    expect(routeOf({ hostInit: { cors: off } }).cors).toBeUndefined();
  });
});

describe('the settings of filters', () => {
  const path = 'virtual_hosts[0].routes[0].typed_per_filter_config["x"]';

  it('may be wrapped, and are known by their type', () => {
    const config = pack(HTTPFaultSchema, { abort: { errorType: { case: 'httpStatus', value: 504 } } });
    const x = pack(FilterConfigSchema, { config });
    expect(routeOf({ route: { x } }).fault?.abort?.httpStatus).toBe(504);
    const off = pack(FilterConfigSchema, { config, disabled: true });
    expect(routeOf({ route: { x: off }, host: abort(500) }).fault).toBeUndefined();
  });

  it('of filters that are not known are ignored with a warning, or refused where they are asked for', () => {
    const wrapped = (isOptional: boolean) => pack(FilterConfigSchema, { config: someAny(), isOptional });
    expect(routeOf({ route: { x: someAny() } }).warnings).toEqual([path]);
    expect(routeOf({ route: { x: wrapped(true) } }).warnings).toEqual([]);
    expect(problemsOf(decode({ route: { x: wrapped(false) } }))).toEqual([
      `${path}.config: filter type "type.googleapis.com/google.protobuf.Empty" is not supported and not optional`,
    ]);
  });

  it('are refused when they are broken or empty', () => {
    const broken = { ...pack(HTTPFaultSchema), value: new Uint8Array([0xff]) };
    expect(problemsOf(decode({ route: { x: broken } }))[0]).toContain('malformed protobuf');
    expect(problemsOf(decode({ route: { x: pack(FilterConfigSchema) } }))).toEqual([`${path}.config: is missing`]);
  });
});
