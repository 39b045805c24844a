import type { Explanation } from 'inmesh';
import type { Caller, Seen } from './load.js';
import type { Rates } from './metrics.js';
import type { CallerRow } from './scraper.js';

export interface RouteRow {
  readonly caller: Caller;
  readonly explanation: Explanation;
  readonly seen: Seen;
}

export interface WorkloadRow {
  readonly name: string;
  readonly port: number | undefined;
  readonly rates: Rates;
}

/** What the demo shows of the mesh, as lines. */
export function renderTable(
  routes: readonly RouteRow[],
  workloads: readonly WorkloadRow[],
  callers: readonly CallerRow[],
): string[] {
  return [
    ...align([['reviews for', 'weights', 'seen in the last 5 s', 'failed'], ...routes.map(routeCells)], 'lllr'),
    '',
    ...align(
      [['workload', 'port', 'requests/s', 'errors', 'p50 ms', 'p99 ms'], ...workloads.map(workloadCells)],
      'lrrrrr',
    ),
    '',
    ...align([['called', 'by', 'over', 'requests/s'], ...callers.map(callerCells)], 'lllr'),
  ];
}

function routeCells({ caller, explanation, seen }: RouteRow): string[] {
  return [caller.name, weights(explanation), shares(seen), String(seen.failed)];
}

function weights({ action }: Explanation): string {
  const clusters = action?.clusters ?? [];
  return clusters.map(({ name, percent }) => `${subsetOf(name)} ${percent.toFixed()} %`).join('  ') || 'no route';
}

/** `outbound|9080|v1|reviews.default.svc.cluster.local`; without a subset, any version. */
function subsetOf(cluster: string): string {
  return cluster.split('|')[2] || 'any';
}

function shares({ versions }: Seen): string {
  const total = [...versions.values()].reduce((sum, count) => sum + count, 0);
  return [...versions].map(([version, count]) => `${version} ${((100 * count) / total).toFixed()} %`).join('  ') || '-';
}

function workloadCells({ name, port, rates }: WorkloadRow): string[] {
  const { perSecond, errors, p50, p99 } = rates;
  return [name, String(port ?? 'down'), perSecond.toFixed(1), String(errors), milliseconds(p50), milliseconds(p99)];
}

/** `unknown` where no certificate was shown. */
function callerCells({ caller, called, security, perSecond }: CallerRow): string[] {
  const by = caller === 'unknown' ? 'somebody without a certificate' : caller;
  return [called, by, security === 'mutual_tls' ? 'mutual TLS' : 'plain text', perSecond.toFixed(1)];
}

function milliseconds(value: number | undefined): string {
  return value === undefined ? '-' : value.toFixed(1);
}

/** `columns`: l or r for each column. */
function align(rows: readonly string[][], columns: string): string[] {
  const widths = [...columns].map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const pad = (cell: string, column: number) =>
    columns[column] === 'r' ? cell.padStart(widths[column]!) : cell.padEnd(widths[column]!);
  return rows.map((row) => `  ${row.map(pad).join('   ')}`.trimEnd());
}
