import {
  Call,
  type ClusterView,
  describeMatch,
  explainMismatch,
  HeaderList,
  LocalReply,
  type LocalResponse,
  MeshError,
  type MeshSnapshot,
  type Reply,
  type Route,
} from '@inmesh/core';

export interface ExplainRequest {
  readonly url: string;
  /** Default GET. */
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** What the mesh would do with a request, and why. Plain data. */
export interface Explanation {
  readonly url: string;
  readonly method: string;
  /** Undefined when the configuration does not know the host: it is then called as DNS resolves it. */
  readonly listener: string | undefined;
  readonly virtualHost: string | undefined;
  /** In order; the first without mismatches is taken. */
  readonly routes: readonly {
    readonly name: string;
    readonly match: string;
    readonly mismatches: readonly string[];
    readonly taken: boolean;
  }[];
  readonly action: ExplainedAction | undefined;
}

export interface ExplainedAction {
  readonly directResponse?: number;
  /** 0 for none. */
  readonly timeoutMs?: number;
  readonly retry?: { readonly attempts: number; readonly on: readonly string[]; readonly perTryTimeoutMs: number };
  readonly clusters?: readonly ExplainedCluster[];
}

export interface ExplainedCluster {
  readonly name: string;
  /** Share of the requests, 0 to 100. */
  readonly percent: number;
  readonly loadBalancer: string;
  readonly endpoints: readonly {
    readonly address: string;
    readonly health: string;
    readonly inFlight: number;
    readonly workload: string;
  }[];
}

class ExplainedCall extends Call {
  readonly protocol = 'http';

  canReplay(): boolean {
    return true;
  }

  respond(response: LocalResponse): Reply {
    return new LocalReply(response, () => {});
  }
}

/** @throws MeshError `invalid_request` when the URL is not an http or https URL */
export function explainSnapshot(snapshot: MeshSnapshot, request: ExplainRequest): Explanation {
  const call = toCall(snapshot, request);
  const host = snapshot.resolve(call.scheme, call.authority);
  const routes = host?.virtualHost?.virtualHost.routes ?? [];
  const mismatches = routes.map((route) => explainMismatch(route.match, call));
  const taken = mismatches.findIndex((reasons) => reasons.length === 0);
  return {
    url: request.url,
    method: call.method,
    listener: host?.listener.name,
    virtualHost: host?.virtualHost?.virtualHost.name,
    routes: routes.map((route, index) => ({
      name: route.name,
      match: describeMatch(route.match),
      mismatches: mismatches[index]!,
      taken: index === taken,
    })),
    action: taken < 0 ? undefined : explainAction(routes[taken]!, snapshot),
  };
}

function toCall(snapshot: MeshSnapshot, { url, method = 'GET', headers = {} }: ExplainRequest): Call {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed === undefined || !/^https?:$/.test(parsed.protocol)) {
    throw new MeshError('invalid_request', { message: `${JSON.stringify(url)} is not an http or https URL` });
  }
  return new ExplainedCall({
    scheme: parsed.protocol === 'https:' ? 'https' : 'http',
    authority: headers.host?.toLowerCase() ?? parsed.host,
    method: method.toUpperCase(),
    path: parsed.pathname + parsed.search,
    headers: HeaderList.of(Object.entries(headers)),
    snapshot,
    startedAt: 0,
  });
}

function explainAction({ action }: Route, snapshot: MeshSnapshot): ExplainedAction {
  if (action.kind !== 'forward') return { directResponse: action.httpStatus };
  return {
    timeoutMs: action.timeoutMs,
    ...(action.retry && {
      retry: {
        attempts: action.retry.attempts,
        on: [...action.retry.on],
        perTryTimeoutMs: action.retry.perTryTimeoutMs,
      },
    }),
    clusters: action.targets.map((target) => ({
      percent: (target.weight / action.totalWeight) * 100,
      ...explainCluster(target.cluster, snapshot.clusters.get(target.cluster)),
    })),
  };
}

function explainCluster(name: string, view: ClusterView | undefined): Omit<ExplainedCluster, 'percent'> {
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

/** The explanation as text for a terminal. */
export function formatExplanation(explanation: Explanation): string {
  const lines = [`${explanation.method} ${explanation.url}`];
  if (explanation.listener === undefined) {
    lines.push('  not in the configuration: called at the addresses that DNS gives, with default retries');
    return lines.join('\n');
  }
  lines.push(`  listener     ${explanation.listener}`, `  virtual host ${explanation.virtualHost ?? 'none matches'}`);
  explanation.routes.forEach((route, index) => {
    const verdict = route.taken ? 'taken' : route.mismatches.length === 0 ? 'not reached' : route.mismatches.join('; ');
    lines.push(`  route ${index + 1}${route.name && ` ${route.name}`}: ${route.match} -> ${verdict}`);
  });
  lines.push(...formatAction(explanation.action));
  return lines.join('\n');
}

function formatAction(action: ExplainedAction | undefined): string[] {
  if (action === undefined) return ['  no route matches: the call fails with no_route (404)'];
  if (action.directResponse !== undefined) return [`  answered with ${action.directResponse} by the route itself`];
  const { retry } = action;
  return [
    `  timeout ${action.timeoutMs ? `${action.timeoutMs} ms` : 'none'}; ${
      retry
        ? `${retry.attempts} retries on ${retry.on.join(', ')}${retry.perTryTimeoutMs ? `, ${retry.perTryTimeoutMs} ms a try` : ''}`
        : 'no retries'
    }`,
    ...(action.clusters ?? []).flatMap(formatCluster),
  ];
}

function formatCluster({ percent, name, loadBalancer, endpoints }: ExplainedCluster): string[] {
  const rows = endpoints.map(
    (e) =>
      `      ${e.address} ${e.health}${e.workload && ` ${e.workload}`}${e.inFlight ? `, ${e.inFlight} in flight` : ''}`,
  );
  return [
    `    ${Number(percent.toFixed(2))} % ${name} (${loadBalancer})`,
    ...(rows.length > 0 ? rows : ['      no endpoints']),
  ];
}
