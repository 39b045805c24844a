import type { Explanation } from './explain.js';
import type { ExplainedAction, ExplainedCluster } from './explain-action.js';

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
  for (const problem of explanation.problems) lines.push(`  problem: ${problem}`);
  return lines.join('\n');
}

function formatAction(action: ExplainedAction | undefined): string[] {
  if (action === undefined) return ['  no route matches: the call fails with no_route (404)'];
  const { redirect, directResponse } = action;
  if (redirect !== undefined) {
    return [`  redirected with ${redirect.httpStatus} to ${redirect.location}`, ...formatChanges(action, '  ')];
  }
  if (directResponse !== undefined) {
    const { httpStatus, bodyBytes } = directResponse;
    const body = bodyBytes === 0 ? 'no body' : `a body of ${bodyBytes} bytes`;
    return [`  answered with ${httpStatus} and ${body} by the route itself`, ...formatChanges(action, '  ')];
  }
  return [formatLimits(action), ...formatChanges(action, '  '), ...(action.clusters ?? []).flatMap(formatCluster)];
}

function formatLimits({ timeoutMs, retry, priority }: ExplainedAction): string {
  const timeout = timeoutMs ? `${timeoutMs} ms` : 'none';
  const retries = retry
    ? `${retry.attempts} retries on ${formatConditions(retry)}${retry.perTryTimeoutMs ? `, ${retry.perTryTimeoutMs} ms a try` : ''}`
    : 'no retries';
  return `  timeout ${timeout}; ${retries}${priority === undefined ? '' : `; ${priority} priority`}`;
}

function formatConditions({ on, statusCodes }: NonNullable<ExplainedAction['retry']>): string {
  const codes = `retriable-status-codes (${statusCodes.length > 0 ? statusCodes.join(', ') : 'none named'})`;
  return on.map((condition) => (condition === 'retriable-status-codes' ? codes : condition)).join(', ');
}

type Changes = Pick<
  ExplainedAction,
  'path' | 'host' | 'fault' | 'mirrors' | 'hash' | 'requestHeaders' | 'responseHeaders' | 'rateLimits' | 'cors'
>;

/** One line for each thing that is done to the request or the response. */
function formatChanges(changes: Changes, indent: string): string[] {
  const { path, host, fault, mirrors, hash, requestHeaders, responseHeaders, rateLimits, cors } = changes;
  const lines: string[] = [];
  if (fault !== undefined) lines.push(`fault: ${fault}`);
  if (path !== undefined) lines.push(`path becomes ${path}`);
  if (host !== undefined) lines.push(`host becomes ${host}`);
  for (const change of requestHeaders ?? []) lines.push(`request header: ${change}`);
  for (const change of responseHeaders ?? []) lines.push(`response header: ${change}`);
  for (const mirror of mirrors ?? []) lines.push(`mirrored: ${mirror.percent} % to ${mirror.cluster}`);
  for (const limit of rateLimits ?? []) lines.push(`rate limit ${limit}`);
  if (cors !== undefined) lines.push('CORS: acted on by the service that is called');
  if (hash !== undefined) lines.push(`hashed by ${hash.join('; ')}`);
  return lines.map((line) => indent + line);
}

const tlsNames = { none: 'no TLS of the mesh', simple: 'TLS', mutual: 'mutual TLS' } as const;

function formatCluster(cluster: ExplainedCluster): string[] {
  const rows = cluster.endpoints.map(
    (e) =>
      `      ${e.address} ${e.health}${e.priority > 0 ? `, priority ${e.priority}` : ''}${e.workload && ` ${e.workload}`}, ${tlsNames[e.tls]}${e.inFlight ? `, ${e.inFlight} in flight` : ''}`,
  );
  return [
    `    ${Number(cluster.percent.toFixed(2))} % ${cluster.name} (${cluster.loadBalancer})`,
    ...formatChanges(cluster, '      '),
    ...(rows.length > 0 ? rows : ['      no endpoints']),
    ...formatFacts(cluster).map((line) => `      ${line}`),
  ];
}

function formatFacts({ retryBudget, limits, outlierDetection }: ExplainedCluster): string[] {
  const lines: string[] = [];
  if (retryBudget !== undefined) lines.push(`retries: ${retryBudget}`);
  if (limits !== undefined) {
    lines.push(
      `limits: ${Object.entries(limits)
        .map(([name, limit]) => `${name} ${limit}`)
        .join(', ')}`,
    );
  }
  if (outlierDetection !== undefined) lines.push(`ejects ${outlierDetection}`);
  return lines;
}
