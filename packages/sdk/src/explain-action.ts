import {
  type Call,
  describeAuthorityRewrite,
  describeFault,
  describeHashPolicy,
  describeHeaderMutations,
  type ForwardAction,
  type HeaderMutations,
  type RateLimit,
  type Route,
  redirectLocation,
  rewritePath,
  type WeightedTarget,
  withRequestOverrides,
} from '@inmesh/core';
import { type ClusterFacts, explainCluster } from './explain-cluster.js';

/** One of `redirect`, `directResponse` and `clusters`. What a route does not do is absent. */
export interface ExplainedAction {
  /** `location` is the one for this request. */
  readonly redirect?: { readonly httpStatus: number; readonly location: string };
  readonly directResponse?: { readonly httpStatus: number; readonly bodyBytes: number };
  /** 0 for none. */
  readonly timeoutMs?: number;
  readonly retry?: {
    readonly attempts: number;
    readonly on: readonly string[];
    /** Those that `retriable-status-codes` stands for. */
    readonly statusCodes: readonly number[];
    readonly perTryTimeoutMs: number;
  };
  readonly priority?: 'high';
  /** The path of this request as the upstream sees it. */
  readonly path?: string;
  readonly host?: string;
  readonly fault?: string;
  readonly mirrors?: readonly { readonly cluster: string; readonly percent: number }[];
  /** What the key of a consistent hash is made of. */
  readonly hash?: readonly string[];
  readonly requestHeaders?: readonly string[];
  readonly responseHeaders?: readonly string[];
  /** Limits of calls, by name and side. */
  readonly rateLimits?: readonly string[];
  /** Whether the service that is called acts on a CORS policy of this route. */
  readonly cors?: true;
  readonly clusters?: readonly ExplainedCluster[];
}

export interface ExplainedCluster extends ClusterFacts {
  /** Share of the requests, 0 to 100. */
  readonly percent: number;
  /** Instead of the route's. */
  readonly host?: string;
  readonly fault?: string;
  /** Before the route's. */
  readonly requestHeaders?: readonly string[];
  readonly responseHeaders?: readonly string[];
}

/** What a route does with a call that it matches. */
export function explainAction(route: Route, call: Call): ExplainedAction {
  const { action } = route;
  switch (action.kind) {
    case 'redirect': {
      const location = redirectLocation(action, route.match.path, call);
      return { redirect: { httpStatus: action.httpStatus, location }, ...explainHeaders([], route.responseHeaders) };
    }
    case 'directResponse': {
      const bodyBytes = Buffer.byteLength(action.body);
      return {
        directResponse: { httpStatus: action.httpStatus, bodyBytes },
        ...explainHeaders([], route.responseHeaders),
      };
    }
    case 'forward':
      return explainForward(route, withRequestOverrides(action, call.headers), call);
  }
}

function explainForward(route: Route, action: ForwardAction, call: Call): ExplainedAction {
  const { retry, priority, pathRewrite, authorityRewrite, mirrors, hash } = action;
  return {
    timeoutMs: action.timeoutMs,
    ...(retry && {
      retry: {
        attempts: retry.attempts,
        on: [...retry.on],
        statusCodes: retry.statusCodes,
        perTryTimeoutMs: retry.perTryTimeoutMs,
      },
    }),
    ...(priority === 'high' && { priority }),
    ...(pathRewrite && { path: rewritePath(pathRewrite, route.match.path, call.path) }),
    ...(authorityRewrite && { host: describeAuthorityRewrite(authorityRewrite) }),
    ...(route.fault && { fault: describeFault(route.fault) }),
    ...(mirrors.length > 0 && {
      mirrors: mirrors.map(({ cluster, perMillion }) => ({ cluster, percent: perMillion / 10_000 })),
    }),
    ...(hash.length > 0 && { hash: hash.map(describeHashPolicy) }),
    ...explainHeaders(route.requestHeaders, route.responseHeaders),
    ...(route.rateLimits.length > 0 && { rateLimits: route.rateLimits.map(describeRateLimit) }),
    ...(route.cors && { cors: true as const }),
    clusters: action.targets.map((target) => ({
      percent: (target.weight / action.totalWeight) * 100,
      ...explainTarget(target),
      ...explainCluster(target.cluster, call.snapshot.clusters.get(target.cluster), action),
    })),
  };
}

function explainTarget({ authorityRewrite, fault, requestHeaders, responseHeaders }: WeightedTarget) {
  return {
    ...(authorityRewrite && { host: describeAuthorityRewrite(authorityRewrite) }),
    ...(fault && { fault: describeFault(fault) }),
    ...explainHeaders(requestHeaders ? [requestHeaders] : [], responseHeaders ? [responseHeaders] : []),
  };
}

function explainHeaders(request: readonly HeaderMutations[], response: readonly HeaderMutations[]) {
  const requestHeaders = request.flatMap(describeHeaderMutations);
  const responseHeaders = response.flatMap(describeHeaderMutations);
  return {
    ...(requestHeaders.length > 0 && { requestHeaders }),
    ...(responseHeaders.length > 0 && { responseHeaders }),
  };
}

function describeRateLimit({ name, side, bucket, descriptors }: RateLimit): string {
  const buckets = [...descriptors.map((descriptor) => descriptor.bucket), ...(bucket === undefined ? [] : [bucket])];
  const amounts = buckets.map(({ tokensPerFill, fillIntervalMs }) => `${tokensPerFill} in ${fillIntervalMs} ms`);
  return `${name || 'of this route'}: ${amounts.join(', ')}, counted ${side === 'inbound' ? 'where calls arrive' : 'where calls are made'}`;
}
