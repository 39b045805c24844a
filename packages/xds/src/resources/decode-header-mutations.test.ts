import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { problemsOf, routeMessage } from '../../test/fixtures.js';
import {
  HeaderValueOption_HeaderAppendAction,
  type HeaderValueOptionSchema,
  RouteConfigurationSchema,
  type RouteSchema,
} from '../messages.js';
import { decodeRouteConfiguration } from './decode-route-configuration.js';

type RouteInit = Exclude<MessageInitShape<typeof RouteSchema>, { $typeName: string }>;
type Option = MessageInitShape<typeof HeaderValueOptionSchema>;

const { ADD_IF_ABSENT, OVERWRITE_IF_EXISTS, OVERWRITE_IF_EXISTS_OR_ADD } = HeaderValueOption_HeaderAppendAction;

const add = (key: string, value = 'v') => ({ header: { key, value } });

const written = (name: string, action = 'append') => ({
  name,
  value: [{ kind: 'text', text: 'v' }],
  action,
  keepEmpty: false,
});

/** A configuration and a virtual host that write `x-config` and `x-host`, and one route. */
const decodeLevels = (route: RouteInit, mostSpecificHeaderMutationsWins = false) => {
  const result = decodeRouteConfiguration(
    create(RouteConfigurationSchema, {
      name: 'r',
      mostSpecificHeaderMutationsWins,
      requestHeadersToAdd: [add('x-config')],
      virtualHosts: [
        {
          name: 'h',
          domains: ['*'],
          requestHeadersToAdd: [add('x-host')],
          routes: [{ match: { pathSpecifier: { case: 'prefix', value: '/' } }, ...route }],
        },
      ],
    }),
  );
  if (!result.ok) throw new Error(problemsOf(result).join('\n'));
  return result.value.virtualHosts[0]!.routes[0]!;
};

const toCluster: RouteInit['action'] = {
  case: 'route',
  value: { clusterSpecifier: { case: 'cluster', value: 'c' } },
};

const writtenNames = (levels: readonly { write: readonly { name: string }[] }[]) =>
  levels.map(({ write }) => write.map(({ name }) => name).join());

const decodeOption = (option: Option) => {
  const message = routeMessage('r', 'c');
  const withOption = create(RouteConfigurationSchema, {
    ...message,
    $typeName: undefined,
    requestHeadersToAdd: [option],
  } as object);
  const result = decodeRouteConfiguration(withOption);
  return result.ok ? result.value.virtualHosts[0]!.routes[0]!.requestHeaders[0]?.write[0] : problemsOf(result);
};

describe('the headers that a route changes', () => {
  it('are those of the route, its virtual host and its configuration, in this order', () => {
    const route = decodeLevels({
      action: toCluster,
      requestHeadersToAdd: [add('X-Route')],
      requestHeadersToRemove: ['X-Old'],
    });
    expect(writtenNames(route.requestHeaders)).toEqual(['x-route', 'x-host', 'x-config']);
    expect(route.requestHeaders[0]).toEqual({ remove: ['x-old'], write: [written('x-route')] });
    expect(route.responseHeaders).toEqual([]);
  });

  it('leave out levels that do nothing', () => {
    expect(writtenNames(decodeLevels({ action: toCluster }).requestHeaders)).toEqual(['x-host', 'x-config']);
  });

  it('have their turn the other way round where the most specific are to win', () => {
    const route = decodeLevels({ action: toCluster, requestHeadersToAdd: [add('x-route')] }, true);
    expect(writtenNames(route.requestHeaders)).toEqual(['x-config', 'x-host', 'x-route']);
  });

  it('are changed for answers too', () => {
    const value = { status: 200 };
    const route = decodeLevels({ action: { case: 'directResponse', value }, responseHeadersToAdd: [add('x-a')] });
    expect(writtenNames(route.responseHeaders)).toEqual(['x-a']);
  });

  const weighted = (...clusters: object[]): RouteInit['action'] => ({
    case: 'route',
    value: { clusterSpecifier: { case: 'weightedClusters', value: { clusters } } },
  });

  it('are changed for one target before those of the route', () => {
    const target = { name: 'a', weight: 1, requestHeadersToAdd: [add('x-a')], responseHeadersToRemove: ['x-b'] };
    const { action } = decodeLevels({ action: weighted(target, { name: 'b', weight: 1 }) });
    expect(action).toMatchObject({
      targets: [
        {
          cluster: 'a',
          requestHeaders: { remove: [], write: [written('x-a')] },
          responseHeaders: { remove: ['x-b'], write: [] },
        },
        { cluster: 'b', weight: 1 },
      ],
    });
  });

  it('are changed for one target after those of the route where the most specific are to win', () => {
    const target = { name: 'a', weight: 1, requestHeadersToAdd: [add('x-a')], requestHeadersToRemove: ['x-host'] };
    const { action, requestHeaders } = decodeLevels({ action: weighted(target, { name: 'b', weight: 1 }) }, true);
    expect(requestHeaders).toEqual([]);
    expect(action).toMatchObject({
      targets: [
        { requestHeaders: { remove: ['x-host'], write: [written('x-config'), written('x-a')] } },
        { requestHeaders: { remove: [], write: [written('x-config'), written('x-host')] } },
      ],
    });
  });
});

describe('a header to write', () => {
  it('is appended, or put in its place as it says', () => {
    expect(decodeOption(add('X-A'))).toEqual(written('x-a'));
    expect(decodeOption({ ...add('x-a'), append: true })).toEqual(written('x-a'));
    expect(decodeOption({ ...add('x-a'), append: false })).toEqual(written('x-a', 'overwrite'));
    expect(decodeOption({ ...add('x-a'), appendAction: ADD_IF_ABSENT })).toEqual(written('x-a', 'addIfAbsent'));
    expect(decodeOption({ ...add('x-a'), appendAction: OVERWRITE_IF_EXISTS_OR_ADD })).toEqual(
      written('x-a', 'overwrite'),
    );
    expect(decodeOption({ ...add('x-a'), appendAction: OVERWRITE_IF_EXISTS })).toEqual(
      written('x-a', 'overwriteIfExists'),
    );
  });

  it('may be empty or come as bytes', () => {
    expect(decodeOption({ ...add('x-a', ''), keepEmptyValue: true })).toEqual({
      ...written('x-a'),
      value: [],
      keepEmpty: true,
    });
    expect(decodeOption({ header: { key: 'x-a', rawValue: Buffer.from('v') } })).toEqual(written('x-a'));
  });

  it.each<[string, Option]>([
    ['header: is missing', {}],
    ['header.key: "" is not a header name', add('')],
    ['header.key: "a b" is not a header name', add('a b')],
    ['header.key: ":path" cannot be changed here', add(':path')],
    ['header.key: "Host" cannot be changed here', add('Host')],
    ['header.value: must not contain a line break', add('x', 'a\r\nb: c')],
    ['header.value: command "%NOPE%" is not supported', add('x', '%NOPE%')],
    ['header.raw_value: stands beside value', { header: { key: 'x', value: 'a', rawValue: Buffer.from('b') } }],
    ['append: stands beside append_action', { ...add('x'), append: true, appendAction: ADD_IF_ABSENT }],
    ['append_action: 9 is unknown', { ...add('x'), appendAction: 9 as 0 }],
  ])('is refused: %s', (problem, option) => {
    expect(decodeOption(option)).toEqual([expect.stringContaining(`request_headers_to_add[0].${problem}`)]);
  });
});
