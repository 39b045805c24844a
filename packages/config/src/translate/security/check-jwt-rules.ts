import type { Place } from '../../place.js';
import type { ReadObject } from '../../read-objects.js';
import type { JwtRule, RequestAuthentication } from '../../schema/request-authentication.js';
import { addressOfKeys } from './jwt-authentication.js';

/** Finds what each field by itself cannot tell to be a mistake. */
export function checkJwtRules({ body, place }: ReadObject<RequestAuthentication>): void {
  for (const [index, rule] of (body.spec?.jwtRules ?? []).entries()) {
    checkRule(rule, place.at('spec', 'jwtRules', index));
  }
}

function checkRule(rule: JwtRule, place: Place): void {
  if (rule.jwks === undefined && addressOfKeys(rule) === undefined) {
    place.error('has no keys, and an issuer that is no URL to ask for them', 'give jwksUri, or jwks');
  }
  const { outputClaimToHeaders = [] } = rule;
  const names = new Set<string>();
  for (const [index, { header }] of outputClaimToHeaders.entries()) {
    const name = header.toLowerCase();
    if (names.has(name)) place.at('outputClaimToHeaders', index, 'header').error(`"${header}" is there twice`);
    names.add(name);
  }
}
