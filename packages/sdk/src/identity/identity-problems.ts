import { parseSpiffeId } from '@inmesh/core';
import type { IdentityOption } from './open-identity.js';
import { endpointTarget } from './workload-api-endpoint.js';

const wanted =
  'identity: name a folder, or give certificate, key and authorities, or authority and roots, or sds, or workloadApi';

/** What is wrong with the option, each with its field. */
export function identityProblems(identity: IdentityOption | undefined): string[] {
  if (identity === undefined) return [];
  if (typeof identity === 'string') return isNamed(identity) ? [] : [wanted];
  if ('onChange' in identity) return [];
  const { federated, ...place } = identity as Readonly<Record<string, unknown>>;
  return [...placeProblems(place), ...federationProblems(federated)];
}

function placeProblems(place: Readonly<Record<string, unknown>>): string[] {
  if ('workloadApi' in place) return endpointProblems(place.workloadApi);
  if ('sds' in place) return secretsProblems(place);
  // Federation alone leaves the place to the environment.
  if (Object.keys(place).length === 0) return [];
  if ('authority' in place && isNamed(place.authority) && !isNamed(place.roots)) return [missingRoots(place.authority)];
  const required = 'authority' in place ? ['authority'] : filesOf(place);
  return required.every((field) => isNamed(place[field])) ? [] : [wanted];
}

function filesOf(place: object): string[] {
  return 'folder' in place ? ['folder'] : ['certificate', 'key', 'authorities'];
}

function endpointProblems(address: unknown): string[] {
  try {
    endpointTarget(String(address));
    return [];
  } catch {
    return [`identity.workloadApi: ${JSON.stringify(address)} is not unix:/path, unix:///path or tcp://IP:port`];
  }
}

function secretsProblems({ sds, roots }: Readonly<Record<string, unknown>>): string[] {
  const address = String(sds);
  if (/^unix:\/./.test(address)) return [];
  if (!/^[^\s/]+:\d+$/.test(address)) {
    return [`identity.sds: ${JSON.stringify(sds)} is neither unix:/path nor host:port`];
  }
  return isNamed(roots) ? [] : [missingRoots(address)];
}

function missingRoots(address: unknown): string {
  return `identity.roots: name the file with the roots of ${address} (INMESH_CA_ROOTS)`;
}

function federationProblems(federated: unknown): string[] {
  if (federated === undefined) return [];
  if (typeof federated !== 'object' || federated === null) {
    return ["identity.federated: not a list such as { 'other.org': '/path/bundle.json' }"];
  }
  return Object.entries(federated).flatMap(([domain, path]) => {
    const parsed = parseSpiffeId(`spiffe://${domain}`);
    if (!parsed.ok || parsed.identity.trustDomain !== domain) {
      return [`identity.federated: ${JSON.stringify(domain)} is not a trust domain such as other.org`];
    }
    return isNamed(path) ? [] : [`identity.federated: ${domain} names no file`];
  });
}

function isNamed(value: unknown): boolean {
  return typeof value === 'string' && value !== '';
}
