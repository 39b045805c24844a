import { create, fromBinary, type MessageInitShape } from '@bufbuild/protobuf';
import { anyPack } from '@bufbuild/protobuf/wkt';
import {
  CorsSchema,
  FilterConfigSchema,
  HTTPFaultSchema,
  type Route,
  type RouteAction,
  type RouteActionSchema,
  RouteSchema,
} from '@inmesh/xds/messages';
import { describe, expect, it } from 'vitest';
import { invalidBackend } from '../../translate/invalid-backend.js';
import { asGrpcAction } from './route-actions.js';

type ActionInit = Exclude<MessageInitShape<typeof RouteActionSchema>, RouteAction>;
type RouteInit = Exclude<MessageInitShape<typeof RouteSchema>, Route>;

const toShop = { clusterSpecifier: { case: 'cluster', value: 'shop' } } as const;
const noTimeout = { timeout: { seconds: 0n } };

function routeTo(action: ActionInit, more: RouteInit = {}): Route {
  return create(RouteSchema, { action: { case: 'route', value: { ...toShop, ...noTimeout, ...action } }, ...more });
}

function actionOf(action: ActionInit): RouteAction {
  return forwarded(asGrpcAction(routeTo(action)));
}

function forwarded({ action }: Route): RouteAction {
  if (action.case !== 'route') throw new Error(`does not forward but ${action.case}`);
  return action.value;
}

/** How the calls of a route end, and the cluster that it names. */
function abortOf(route: Route) {
  const changed = asGrpcAction(route);
  const config = changed.typedPerFilterConfig['envoy.filters.http.fault'];
  const fault = config && fromBinary(HTTPFaultSchema, config.value);
  return [fault?.abort?.errorType, forwarded(changed).clusterSpecifier.value];
}

function weighted(...weights: number[]): ActionInit {
  const clusters = weights.map((weight, index) => ({ name: `c${index}`, weight }));
  return { clusterSpecifier: { case: 'weightedClusters', value: { clusters } } };
}

describe('A route for gRPC', () => {
  it('stays the same object where gRPC has the words', () => {
    const route = routeTo({ retryPolicy: { retryOn: 'unavailable', numRetries: 2 } });
    expect(asGrpcAction(route)).toBe(route);
  });

  it('that answers by itself aborts with the status of the answer', () => {
    const route = create(RouteSchema, { action: { case: 'directResponse', value: { status: 403 } } });
    expect(abortOf(route)).toEqual([{ case: 'httpStatus', value: 403 }, invalidBackend]);
  });

  it.each<[string, RouteInit['action']]>([
    ['redirects', { case: 'redirect', value: {} }],
    ['forwards nothing', { case: 'nonForwardingAction', value: {} }],
    [
      'leaves the cluster to a header',
      { case: 'route', value: { clusterSpecifier: { case: 'clusterHeader', value: 'x' } } },
    ],
    ['has weights of zero only', { case: 'route', value: weighted(0, 0) }],
  ])('that %s fails calls as UNAVAILABLE', (_, action) => {
    expect(abortOf(create(RouteSchema, { action: action! }))).toEqual([
      { case: 'grpcStatus', value: 14 },
      invalidBackend,
    ]);
  });

  it('has its timeout where gRPC reads it', () => {
    expect(actionOf({ timeout: { seconds: 3n } }).maxStreamDuration?.maxStreamDuration).toMatchObject({ seconds: 3n });
    expect(actionOf({ timeout: { seconds: 0n } }).maxStreamDuration).toBeUndefined();
    const given = { maxStreamDuration: { maxStreamDuration: { seconds: 9n } }, timeout: { seconds: 3n } };
    expect(actionOf(given).maxStreamDuration?.maxStreamDuration).toMatchObject({ seconds: 9n });
  });

  it("has Envoy's timeout of 15 s where it gives none", () => {
    const route = create(RouteSchema, { action: { case: 'route', value: toShop } });
    const { maxStreamDuration } = forwarded(asGrpcAction(route));
    expect(maxStreamDuration?.maxStreamDuration).toMatchObject({ seconds: 15n });
  });

  it('keeps the calls of one channel together where one address was asked for', () => {
    const policySpecifier = { case: 'connectionProperties', value: { sourceIp: true } } as const;
    const [policy] = actionOf({ hashPolicy: [{ policySpecifier }] }).hashPolicy;
    expect(policy?.policySpecifier).toMatchObject({ case: 'filterState', value: { key: 'io.grpc.channel_id' } });
  });

  it('has weights whose sum is in 32 bits', () => {
    const { clusterSpecifier: target } = actionOf(weighted(0xffff_ffff, 0xffff_ffff));
    const clusters = target.case === 'weightedClusters' ? target.value.clusters : [];
    expect(clusters.map(({ weight }) => weight)).toEqual([0x7fff_ffff, 0x7fff_ffff]);
  });
});

describe('Retries for gRPC', () => {
  it('are left out where there are none', () => {
    expect(actionOf({ retryPolicy: { retryOn: 'unavailable', numRetries: 0 } }).retryPolicy).toBeUndefined();
  });

  it('are asked for without spaces', () => {
    expect(actionOf({ retryPolicy: { retryOn: '5xx, unavailable' } }).retryPolicy?.retryOn).toBe('5xx,unavailable');
  });

  it.each([
    ['too short', { baseInterval: { nanos: 500 } }, { baseInterval: { nanos: 1_000_000 } }],
    [
      'not growing',
      { baseInterval: { seconds: 2n }, maxInterval: { seconds: 1n } },
      { baseInterval: { seconds: 2n }, maxInterval: { seconds: 2n } },
    ],
    ['too long', { baseInterval: { seconds: 10_000_000n } }, { baseInterval: { seconds: 3600n } }],
  ])('have a back-off that gRPC computes with: %s', (_, retryBackOff, expected) => {
    expect(actionOf({ retryPolicy: { retryBackOff } }).retryPolicy?.retryBackOff).toMatchObject(expected);
  });

  it('have the default back-off where only the largest is given', () => {
    const retryPolicy = { retryBackOff: { maxInterval: { seconds: 1n } } };
    expect(actionOf({ retryPolicy }).retryPolicy?.retryBackOff).toBeUndefined();
  });
});

describe('Filters of a route for gRPC', () => {
  const fault = (init: MessageInitShape<typeof HTTPFaultSchema>) =>
    anyPack(HTTPFaultSchema, create(HTTPFaultSchema, init));
  const wrapped = (config: ReturnType<typeof fault>, isOptional: boolean) =>
    anyPack(FilterConfigSchema, create(FilterConfigSchema, { config, isOptional }));
  const filterOf = (config: ReturnType<typeof fault>) =>
    asGrpcAction(routeTo({}, { typedPerFilterConfig: { filter: config } })).typedPerFilterConfig.filter;
  const cors = anyPack(CorsSchema, create(CorsSchema));
  const whole = fault({ abort: { errorType: { case: 'httpStatus', value: 500 }, percentage: { numerator: 1 } } });

  it('are faults, and what may be left out', () => {
    const optional = wrapped(cors, true);
    expect(filterOf(whole)).toBe(whole);
    expect(filterOf(optional)).toBe(optional);
  });

  it('are not what gRPC would refuse the route for', () => {
    expect(filterOf(cors)).toBeUndefined();
    expect(filterOf(wrapped(cors, false))).toBeUndefined();
  });

  it('are faults that stand by themselves', () => {
    expect(filterOf(wrapped(whole, false))).toEqual(whole);
  });

  it('have no fault without a percentage, which injects nothing', () => {
    const config = filterOf(fault({ abort: { errorType: { case: 'httpStatus', value: 500 } } }));
    expect(fromBinary(HTTPFaultSchema, config!.value).abort).toBeUndefined();
  });
});
