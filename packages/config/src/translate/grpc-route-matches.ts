import { create } from '@bufbuild/protobuf';
import { RouteMatchSchema } from '@inmesh/xds/messages';
import type { Place } from '../place.js';
import type { GrpcMethodMatch, GrpcRouteMatch } from '../schema/grpc-route.js';
import { headerMatcher, type PathTest, pathSpecifier } from './matchers.js';
import { checkRegex, headerTests } from './name-tests.js';
import type { MatchRank, ReadMatch } from './ranked-routes.js';

/** As Envoy tells calls of gRPC from other requests (`Common::isGrpcRequestHeaders`). */
const isGrpc = headerMatcher('content-type', { kind: 'regex', value: 'application/grpc(\\+.*)?' });

/** A name without the slash that ends it in a path. */
const anyName = '[^/]+';

/**
 * Most characters in the service, then in the method, then most headers (GRPCRoute `matches`). Characters of expressions count
 * after those of names, so that expressions come late, as those of an HTTPRoute do.
 */
export function readGrpcMatch({ method, headers = [] }: GrpcRouteMatch, place: Place): ReadMatch {
  if (method !== undefined) checkMethod(method, place.at('method'));
  const matchers = headerTests(headers, place.at('headers')).map(({ name, test }) => headerMatcher(name, test));
  const match = { pathSpecifier: pathSpecifier(pathOf(method)), headers: [...matchers, isGrpc] };
  return { rank: [...rankOf(method), matchers.length], matches: [create(RouteMatchSchema, match)] };
}

function pathOf({ type = 'Exact', service = '', method = '' }: GrpcMethodMatch = {}): PathTest {
  if (service === '' && method === '') return { kind: 'prefix', value: '/' };
  if (type === 'RegularExpression' || service === '') {
    return { kind: 'regex', value: `/${asExpression(service)}/${asExpression(method)}` };
  }
  return method === '' ? { kind: 'prefix', value: `/${service}/` } : { kind: 'exact', value: `/${service}/${method}` };
}

function asExpression(name: string): string {
  return name === '' ? anyName : `(?:${name})`;
}

function rankOf({ type = 'Exact', service = '', method = '' }: GrpcMethodMatch = {}): MatchRank {
  const lengths = [service.length, method.length];
  return type === 'Exact' ? [...lengths, 0, 0] : [0, 0, ...lengths];
}

const exactNames = {
  service: { pattern: /^\.?[a-z_][a-z_0-9]*(\.[a-z_][a-z_0-9]*)*$/i, example: 'shop.v1.Cart' },
  method: { pattern: /^[a-z_][a-z_0-9]*$/i, example: 'AddItem' },
} as const;

/** As the API server checks it (GRPCMethodMatch). */
function checkMethod({ type = 'Exact', ...names }: GrpcMethodMatch, place: Place): void {
  const { service = '', method = '' } = names;
  if (service === '' && method === '') place.error('has neither service nor method', 'leave it out for all of them');
  for (const field of ['service', 'method'] as const) {
    const { [field]: value = '' } = names;
    const { pattern, example } = exactNames[field];
    if (value === '') continue;
    if (type === 'RegularExpression') checkRegex(value, place.at(field));
    else if (!pattern.test(value)) place.at(field).error(`"${value}" is not the name of a ${field}`, `like ${example}`);
  }
}
