import { formatIssue } from '@inmesh/config';
import type { ConfigState } from '../config-state.js';
import type { ServerMetrics } from '../metrics.js';
import type { Answer, Pages } from './get-server.js';

/** What Prometheus and Kubernetes ask. */
export function healthPages(
  metrics: ServerMetrics,
  state: () => ConfigState,
  waitsFor: () => string | undefined,
): Pages {
  return {
    '/metrics': async () => ({ contentType: metrics.contentType, body: await metrics.text() }),
    '/healthz': () => ({ body: 'ok\n' }),
    '/ready': () => readiness(state(), waitsFor()),
  };
}

/** Ready once something is served: a file that breaks later does not take the server out of service. */
function readiness(state: ConfigState, waitsFor: string | undefined): Answer {
  if (state.served !== undefined) return { body: 'ready\n' };
  const errors = state.issues.filter(({ severity }) => severity === 'error').map(formatIssue);
  const waiting = waitsFor === undefined ? [] : [`waiting for the certificate authority: ${waitsFor}`];
  const lines = [
    'no configuration is served yet',
    ...waiting,
    ...state.sourceErrors,
    ...errors,
    ...state.inconsistencies,
  ];
  return { status: 503, body: `${lines.join('\n')}\n` };
}
