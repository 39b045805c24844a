import type { Client } from '../client.js';

/** Whether an object of a namespace is for a client: `*` is every namespace, `.` its own; by default all (Istio `exportTo`). */
export function isExportedTo(client: Client, exportTo: readonly string[] | undefined, namespace: string): boolean {
  if (exportTo === undefined || exportTo.length === 0 || exportTo.includes('*')) return true;
  const answers = exportTo.map((target) => client.isIn(target === '.' ? namespace : target));
  return answers.includes(true);
}
