import { goDuration, headerNameProblem, nonEmpty } from './checks.js';
import { flag, list, type ObjectOf, object, required, type TypeOf, text } from './field.js';
import { selector, targets } from './security-checks.js';

// Istio 1.27 security/v1beta1/request_authentication.proto, field by field.

const header = text(headerNameProblem);

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
    fromHeaders: list(object({ name: required(header), prefix: text() })),
    fromParams: list(nonEmpty),
    fromCookies: list(nonEmpty),
    outputPayloadToHeader: header,
    forwardOriginalToken: flag,
    outputClaimToHeaders: list(object({ header: required(header), claim: required(nonEmpty) })),
    timeout: goDuration,
    spaceDelimitedClaims: list(nonEmpty),
  },
  ['jwksUri', 'jwks'],
);

const spec = object({ selector, ...targets, jwtRules: list(jwtRule) });

export const requestAuthenticationFields = { spec };

export type RequestAuthentication = ObjectOf<typeof requestAuthenticationFields>;
export type JwtRule = TypeOf<typeof jwtRule>;
