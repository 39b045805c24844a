import {
  Call,
  describeMatch,
  explainMismatch,
  HeaderList,
  LocalReply,
  type LocalResponse,
  MeshError,
  type MeshSnapshot,
  type Reply,
} from '@inmesh/core';
import { type ExplainedAction, explainAction } from './explain-action.js';
import { explainProblems } from './explain-problems.js';

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
  /** What is wrong with the resources that this request needs, a sentence each; empty while all is well. */
  readonly problems: readonly string[];
}

class ExplainedCall extends Call {
  readonly protocol = 'http';

  shadow(): undefined {
    return undefined;
  }

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
    action: taken < 0 ? undefined : explainAction(routes[taken]!, call),
    problems: explainProblems(snapshot, host?.listener, routes[taken]),
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
