import { formatIssue } from '@inmesh/config';
import { type AdsServer, type LoadReportServer, loadDurationBoundsMs } from '@inmesh/xds/server';
import type { ClientViews } from '../client-views.js';
import type { ConfigState } from '../config-state.js';
import { dumpConfig } from '../debug/config-dump.js';
import { listEndpoints } from '../debug/endpoints.js';
import type { Answer, Pages } from './get-server.js';

/** What people ask, as JSON. */
export function debugPages(parts: {
  ads: AdsServer;
  loads: Loads;
  cache: Pick<ClientViews, 'current' | 'refused'>;
  state: () => ConfigState;
}): Pages {
  const { ads, loads, cache, state } = parts;
  const began = new Date().toISOString();
  const pages: Pages = {
    '/debug/config_dump': () => json(dumpConfig(state().served?.set, cache.current)),
    '/debug/status': () => json({ ...summary(state()), clients: ads.status() }),
    '/debug/issues': () => json({ ...issues(state()), refusedViews: cache.refused() }),
    '/debug/loads': () => json(loadsOf(loads, began)),
    '/debug/endpoints': () => json(listEndpoints(state().served?.resources)),
  };
  return { '/': () => json({ pages: Object.keys(pages) }), ...pages };
}

function json(value: unknown): Answer {
  return { contentType: 'application/json', body: `${JSON.stringify(value, undefined, 2)}\n` };
}

type Loads = Pick<LoadReportServer, 'intervalMs' | 'reports' | 'totals'>;

/** `began` tells totals of this process from those of another at the same address. */
function loadsOf(loads: Loads, began: string): object {
  return {
    ...{ began, reportIntervalMs: loads.intervalMs, durationBoundsMs: loadDurationBoundsMs },
    ...{ totals: loads.totals(), reports: loads.reports() },
  };
}

function summary({ served, refused, issues }: ConfigState): object {
  return {
    ready: served !== undefined,
    acceptedAt: served === undefined ? null : new Date(served.acceptedAtMs).toISOString(),
    refusedFiles: refused,
    issues: issues.length,
  };
}

function issues(state: ConfigState): object {
  return {
    issues: state.issues.map((issue) => ({ ...issue, text: formatIssue(issue) })),
    refusedFiles: state.refused,
    inconsistencies: state.inconsistencies,
    sourceError: state.sourceErrors.join('; ') || null,
  };
}
