import type { PeerIdentity } from '../model/peer.js';

export type SpiffeIdResult =
  | { readonly ok: true; readonly identity: PeerIdentity }
  | { readonly ok: false; readonly reason: string };

const maxBytes = 2048;
const maxTrustDomainBytes = 255;
const prefix = 'spiffe://';

/**
 * Reads a SPIFFE ID strictly (SPIFFE-ID.md 2): trust domain and segments of the few characters that are allowed, nothing
 * encoded, no empty, `.` or `..` segment, no query, no fragment, no port.
 */
export function parseSpiffeId(text: string): SpiffeIdResult {
  if (text.length > maxBytes) return refuse(`is longer than ${maxBytes} bytes`);
  if (!text.startsWith(prefix)) return refuse('does not begin with spiffe://');
  const slash = text.indexOf('/', prefix.length);
  const trustDomain = slash < 0 ? text.slice(prefix.length) : text.slice(prefix.length, slash);
  if (trustDomain === '') return refuse('has no trust domain');
  if (trustDomain.length > maxTrustDomainBytes) return refuse('has a trust domain that is too long');
  if (!/^[a-z0-9._-]+$/.test(trustDomain))
    return refuse('has a trust domain with other characters than a-z, 0-9, . _ -');
  const segments = slash < 0 ? [] : text.slice(slash + 1).split('/');
  for (const segment of segments) {
    if (segment === '') return refuse('has an empty segment in its path');
    if (segment === '.' || segment === '..') return refuse(`has the segment "${segment}" in its path`);
    if (!/^[A-Za-z0-9._-]+$/.test(segment))
      return refuse('has a path with other characters than letters, digits, . _ -');
  }
  return { ok: true, identity: { spiffeId: text, trustDomain, ...workloadOf(segments) } };
}

/** Whether it is the name of a trust domain, as `example.org` is. */
export function isTrustDomain(text: string): boolean {
  const parsed = parseSpiffeId(`${prefix}${text}`);
  return parsed.ok && parsed.identity.trustDomain === text;
}

/** Istio's form of a workload's path. */
function workloadOf(segments: readonly string[]): Pick<PeerIdentity, 'namespace' | 'serviceAccount'> {
  const [ns, namespace, sa, serviceAccount] = segments;
  const isIstio = segments.length === 4 && ns === 'ns' && sa === 'sa';
  return isIstio ? { namespace: namespace!, serviceAccount: serviceAccount! } : { namespace: '', serviceAccount: '' };
}

function refuse(reason: string): SpiffeIdResult {
  return { ok: false, reason };
}
