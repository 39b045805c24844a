import { envoyEvidence } from './envoy-evidence.js';
import { kindEvidence } from './kind-evidence.js';
import { policyEvidence } from './policy-evidence.js';
import type { Row } from './rows.js';
import { securityEvidence } from './security-evidence.js';

/** The test that shows what becomes of some fields. */
export interface Evidence {
  readonly owner: string;
  /** Fields from here down: `spec.http[].match` stands for everything below it. The longest one that fits counts. */
  readonly fields: string;
  readonly file: string;
  /** Stands in the file as it is here. */
  readonly title: string;
}

export const evidence: readonly Evidence[] = [
  ...kindEvidence,
  ...policyEvidence,
  ...envoyEvidence,
  ...securityEvidence,
];

export function evidenceOf({ owner, field }: Row): Evidence | undefined {
  const path = withoutRepetition(field);
  let best: Evidence | undefined;
  for (const one of evidence) {
    const fits = one.owner === owner && startsWithPath(path, one.fields);
    if (fits && (best === undefined || one.fields.length > best.fields.length)) best = one;
  }
  return best;
}

/** A traffic policy is the same for a host, for a subset and for a port of either. */
function withoutRepetition(field: string): string {
  const policy = field.replace('spec.subsets[].trafficPolicy.', 'spec.trafficPolicy.');
  const ofPort = 'spec.trafficPolicy.portLevelSettings[].';
  return policy.startsWith(ofPort) && !policy.startsWith(`${ofPort}port`)
    ? policy.replace(ofPort, 'spec.trafficPolicy.')
    : policy;
}

function startsWithPath(field: string, path: string): boolean {
  return path === '' || field === path || (field.startsWith(path) && /[.[]/.test(field[path.length]!));
}
