import { create } from '@bufbuild/protobuf';
import {
  type Principal,
  PrincipalSchema,
  type StringMatcher,
  type ValueMatcher,
  ValueMatcherSchema,
} from '@inmesh/xds/messages';
import { policyMatcher, regexMatcher } from './text-matchers.js';

/** Where Envoy's filter of tokens leaves the claims of a good one. */
export const jwtFilterName = 'envoy.filters.http.jwt_authn';
export const jwtPayloadKey = 'payload';

/** A claim that is one of these texts, or a list with one of them (Istio `MetadataListValueMatcherForJWTClaims`). */
export function claimPrincipal(claim: readonly string[], values: readonly string[]): Principal {
  const texts = values.map((value) => policyMatcher(value));
  const matchers = [...texts.map(inList), ...texts.map(itself)];
  return metadataPrincipal(
    claim,
    create(ValueMatcherSchema, { matchPattern: { case: 'orMatch', value: { valueMatchers: matchers } } }),
  );
}

/** `ISSUER/SUBJECT`; an issuer may be a URL, so the last slash counts (Istio `requestPrincipalGenerator`). */
export function requestPrincipal(value: string): Principal {
  const { issuer, subject } = partsOf(value);
  const ids = [metadataPrincipal(['iss'], itself(issuer)), metadataPrincipal(['sub'], itself(subject))];
  return create(PrincipalSchema, { identifier: { case: 'andIds', value: { ids } } });
}

function partsOf(value: string): { issuer: StringMatcher; subject: StringMatcher } {
  const slash = value.lastIndexOf('/');
  if (slash >= 0) {
    return { issuer: policyMatcher(value.slice(0, slash)), subject: policyMatcher(value.slice(slash + 1)) };
  }
  const any = regexMatcher('.+');
  if (value === '*') return { issuer: any, subject: any };
  if (value.startsWith('*')) return { issuer: any, subject: policyMatcher(value) };
  if (value.endsWith('*')) return { issuer: policyMatcher(value), subject: any };
  return { issuer: policyMatcher(value), subject: policyMatcher('') };
}

function itself(text: StringMatcher): ValueMatcher {
  return create(ValueMatcherSchema, { matchPattern: { case: 'stringMatch', value: text } });
}

function inList(text: StringMatcher): ValueMatcher {
  return create(ValueMatcherSchema, {
    matchPattern: { case: 'listMatch', value: { matchPattern: { case: 'oneOf', value: itself(text) } } },
  });
}

function metadataPrincipal(claim: readonly string[], value: ValueMatcher): Principal {
  const path = [jwtPayloadKey, ...claim].map((key) => ({ segment: { case: 'key', value: key } as const }));
  return create(PrincipalSchema, {
    identifier: { case: 'metadata', value: { filter: jwtFilterName, path, value } },
  });
}
