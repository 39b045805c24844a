import { nonEmpty, positiveGoDuration } from './checks.js';
import { flag, list, type ObjectOf, object, required, type TypeOf, text } from './field.js';
import { headerName } from './header-checks.js';
import { selector, targets } from './security-checks.js';

// Istio 1.27 security/v1beta1/request_authentication.proto, field by field.

/** The way to a claim, such as `realm_access.role`. */
const claim = text((value) =>
  value.split('.').includes('') ? `"${value}" names no claim: a name must stand before and after each dot` : undefined,
);

const jwksUri = text((value) =>
  /^https?:\/\//.test(value) && URL.canParse(value)
    ? undefined
    : `"${value}" is no URL that begins with http:// or https://`,
);

const jwks = text((value) =>
  isKeySet(value) ? undefined : 'is no JSON Web Key Set, such as {"keys":[{"kty":"RSA"}]}',
);

function isKeySet(value: string): boolean {
  try {
    const parsed: unknown = JSON.parse(value);
    return typeof parsed === 'object' && parsed !== null && 'keys' in parsed && Array.isArray(parsed.keys);
  } catch {
    return false;
  }
}

const jwtRule = object(
  {
    issuer: required(nonEmpty),
    audiences: list(nonEmpty),
    jwksUri,
    jwks,
    fromHeaders: list(object({ name: required(headerName), prefix: text() })),
    fromParams: list(nonEmpty),
    fromCookies: list(nonEmpty),
    outputPayloadToHeader: headerName,
    forwardOriginalToken: flag,
    outputClaimToHeaders: list(object({ header: required(headerName), claim: required(claim) })),
    timeout: positiveGoDuration,
    spaceDelimitedClaims: list(nonEmpty),
  },
  ['jwksUri', 'jwks'],
);

const spec = object({ selector, ...targets, jwtRules: list(jwtRule) });

export const requestAuthenticationFields = { spec };

export type RequestAuthentication = ObjectOf<typeof requestAuthenticationFields>;
export type JwtRule = TypeOf<typeof jwtRule>;
