import type { FetchKeySet } from './fetch-key-set.js';

const wellKnown = '/.well-known/openid-configuration';

/**
 * Also takes the address of an issuer's description (OpenID Connect Discovery 1.0, 4), as Istio does of an issuer without a
 * `jwksUri`: the keys are where that says. It has to be the description of this very issuer, and to lead from https to https.
 */
export function discovering(fetch: FetchKeySet): FetchKeySet {
  return async (uri, timeoutMs) => {
    if (!uri.endsWith(wellKnown)) return fetch(uri, timeoutMs);
    return fetch(addressOfKeys(await fetch(uri, timeoutMs), uri), timeoutMs);
  };
}

function addressOfKeys(text: string, uri: string): string {
  const { issuer, jwks_uri: address } = parseDescription(text);
  const asked = uri.slice(0, -wellKnown.length);
  if (issuer !== asked && issuer !== `${asked}/`) throw new Error('the description is of another issuer');
  if (typeof address !== 'string' || !URL.canParse(address)) throw new Error('the description has no «jwks_uri»');
  if (uri.startsWith('https:') && !address.startsWith('https:')) throw new Error('the keys are not behind https');
  return address;
}

function parseDescription(text: string): { readonly issuer?: unknown; readonly jwks_uri?: unknown } {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null) return value;
  } catch (cause) {
    throw new Error('the description of the issuer is not JSON', { cause });
  }
  throw new Error('the description of the issuer is no object');
}
