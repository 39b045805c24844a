import type { Client } from '../client.js';

/**
 * Whether an object is seen by this client: `exportTo` names namespaces, `.` for its own, `*` for all and `~` for none; where
 * it is not given, all see it (Istio). Asks only where not all clients see the same.
 */
export function isExportedTo(exportTo: readonly string[] | undefined, namespace: string, client: Client): boolean {
  if (isPublic(exportTo)) return true;
  const seen = exportTo.map((target) => target !== '~' && client.isIn(target === '.' ? namespace : target));
  return seen.includes(true);
}

function isPublic(exportTo: readonly string[] | undefined): exportTo is undefined {
  return exportTo === undefined || exportTo.length === 0 || exportTo.includes('*');
}
