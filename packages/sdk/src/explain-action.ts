import {
  type Call,
  type ClusterView,
  describeAuthorityRewrite,
  describeFault,
  describeHashPolicy,
  describeHeaderMutations,
  type ForwardAction,
  type HeaderMutations,
  type Route,
  redirectLocation,
  rewritePath,
  type WeightedTarget,
  withRequestOverrides,
} from '@inmesh/core';

/** One of `redirect`, `directResponse` and `clusters`. What a route does not do is absent. */
export interface ExplainedAction {
  /** `location` is the one for this request. */
  readonly redirect?: { readonly httpStatus: number; readonly location: string };
  readonly directResponse?: { readonly httpStatus: number; readonly bodyBytes: number };
  /** 0 for none. */
  readonly timeoutMs?: number;
  readonly retry?: { readonly attempts: number; readonly on: readonly string[]; readonly perTryTimeoutMs: number };
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
  readonly clusters?: readonly ExplainedCluster[];
}

export interface ExplainedCluster {
  readonly name: string;
  /** Share of the requests, 0 to 100. */
  readonly percent: number;
  readonly loadBalancer: string;
  /** Instead of the route's. */
  readonly host?: string;
  readonly fault?: string;
  /** Before the route's. */
  readonly requestHeaders?: readonly string[];
  readonly responseHeaders?: readonly string[];
  readonly endpoints: readonly {
    readonly address: string;
    readonly health: string;
    readonly inFlight: number;
    readonly workload: string;
  }[];
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
      retry: { attempts: retry.attempts, on: [...retry.on], perTryTimeoutMs: retry.perTryTimeoutMs },
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
    clusters: action.targets.map((target) => ({
      percent: (target.weight / action.totalWeight) * 100,
      ...explainTarget(target),
      ...explainCluster(target.cluster, call.snapshot.clusters.get(target.cluster)),
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

function explainCluster(name: string, view: ClusterView | undefined) {
  if (view === undefined) return { name, loadBalancer: 'cluster is not configured', endpoints: [] };
  return {
    name,
    loadBalancer: view.cluster.loadBalancer.kind,
    endpoints: view.endpoints.map(({ endpoint, state }) => ({
      address: endpoint.address,
      health: endpoint.health,
      inFlight: state.inFlight,
      workload: endpoint.workload?.name ?? '',
    })),
  };
}
