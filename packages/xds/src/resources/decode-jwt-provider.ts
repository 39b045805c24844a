import type { ClaimHeader, JwtProvider as JwtProviderModel, TokenPlace } from '@inmesh/core';
import type { DataSource, JwtClaimToHeader, JwtHeader, JwtProvider, RemoteJwks } from '../messages.js';
import { claimsKey } from './decode-claim-matcher.js';
import { decodeDuration, decodePositiveDuration } from './durations.js';
import type { FieldScope } from './field-scope.js';
import { reportUnsupported } from './field-support.js';

/** Envoy's defaults (jwt_authn/v3/config.proto). */
const defaultClockSkewSeconds = 60;
const defaultCacheMs = 600_000;

/** Istio's. Envoy demands that one is set. */
const defaultTimeoutMs = 5000;

/** RFC 9110 5.6.2. */
const headerName = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/** Where Envoy looks for a token when nothing is said. */
const defaultPlaces: readonly TokenPlace[] = [
  { kind: 'header', name: 'authorization', prefix: 'Bearer ' },
  { kind: 'parameter', name: 'access_token' },
];

export function decodeJwtProvider(name: string, message: JwtProvider, at: FieldScope): JwtProviderModel | undefined {
  reportUnsupported(message, at);
  if (message.issuer === '') at.field('issuer').error('must not be empty: tokens of any issuer would be taken');
  checkPayload(message, at);
  const spaceDelimitedClaims = decodeNormalized(message, at);
  const keys = decodeKeys(message, at);
  const payloadHeader = message.forwardPayloadHeader;
  if (payloadHeader !== '') decodeName(payloadHeader, at.field('forward_payload_header'));
  return (
    keys && {
      name,
      issuer: message.issuer,
      audiences: message.audiences,
      keys,
      places: decodePlaces(message, at),
      forward: message.forward,
      claimHeaders: at.each('claim_to_headers', message.claimToHeaders, decodeClaimHeader),
      payloadHeader: payloadHeader === '' ? undefined : payloadHeader.toLowerCase(),
      clockSkewSeconds: message.clockSkewSeconds === 0 ? defaultClockSkewSeconds : message.clockSkewSeconds,
      ...(spaceDelimitedClaims.length > 0 && { spaceDelimitedClaims }),
    }
  );
}

/** Policies read claims under this key, whoever the provider is. */
function checkPayload({ payloadInMetadata }: JwtProvider, at: FieldScope): void {
  if (payloadInMetadata === '' || payloadInMetadata === claimsKey) return;
  at.field('payload_in_metadata').error(`should be "${claimsKey}", where policies look for claims`);
}

function decodeNormalized({ normalizePayloadInMetadata: message }: JwtProvider, at: FieldScope): readonly string[] {
  if (message === undefined) return [];
  reportUnsupported(message, at.field('normalize_payload_in_metadata'));
  return message.spaceDelimitedClaims;
}

function decodeKeys(
  { jwksSourceSpecifier: source }: JwtProvider,
  at: FieldScope,
): JwtProviderModel['keys'] | undefined {
  switch (source.case) {
    case 'localJwks':
      return decodeInline(source.value, at.field('local_jwks'));
    case 'remoteJwks':
      return decodeRemote(source.value, at.field('remote_jwks'));
    case undefined:
      return at.error('has no keys: either "remote_jwks" or "local_jwks" is needed');
  }
}

function decodeInline(message: DataSource, at: FieldScope): JwtProviderModel['keys'] | undefined {
  reportUnsupported(message, at);
  const { specifier } = message;
  const isText = specifier.case === 'inlineString';
  const jwks = isText
    ? specifier.value
    : specifier.case === 'inlineBytes'
      ? Buffer.from(specifier.value).toString()
      : '';
  return isKeySet(jwks) ? { kind: 'inline', jwks } : at.error('is no JSON Web Key Set: {"keys": [...]} is needed');
}

function isKeySet(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && 'keys' in value && Array.isArray(value.keys);
  } catch {
    return false;
  }
}

function decodeRemote(message: RemoteJwks, at: FieldScope): JwtProviderModel['keys'] | undefined {
  reportUnsupported(message, at);
  const { httpUri, cacheDuration } = message;
  const scope = at.field('http_uri');
  if (httpUri === undefined) return scope.error('is missing');
  reportUnsupported(httpUri, scope);
  if (!isHttpUrl(httpUri.uri)) return scope.field('uri').error(`"${httpUri.uri}" is no http or https URL`);
  return {
    kind: 'remote',
    uri: httpUri.uri,
    timeoutMs: decodePositiveDuration(httpUri.timeout, defaultTimeoutMs, scope.field('timeout')),
    cacheMs: decodeDuration(cacheDuration, defaultCacheMs, at.field('cache_duration')),
  };
}

function isHttpUrl(text: string): boolean {
  return URL.canParse(text) && /^https?:$/.test(new URL(text).protocol);
}

function decodePlaces(message: JwtProvider, at: FieldScope): readonly TokenPlace[] {
  const places: TokenPlace[] = [
    ...at.each('from_headers', message.fromHeaders, decodeHeaderPlace),
    ...at.each('from_params', message.fromParams, (name, scope) => namedPlace('parameter', name, scope)),
    ...at.each('from_cookies', message.fromCookies, (name, scope) => namedPlace('cookie', name, scope)),
  ];
  return places.length === 0 ? defaultPlaces : places;
}

function decodeHeaderPlace(message: JwtHeader, at: FieldScope): TokenPlace {
  reportUnsupported(message, at);
  return { kind: 'header', name: decodeName(message.name, at.field('name')), prefix: message.valuePrefix };
}

function namedPlace(kind: 'parameter' | 'cookie', name: string, at: FieldScope): TokenPlace {
  if (name === '') at.error('must not be empty');
  return { kind, name };
}

function decodeClaimHeader(message: JwtClaimToHeader, at: FieldScope): ClaimHeader {
  reportUnsupported(message, at);
  const claim = message.claimName.split('.');
  if (claim.includes('')) at.field('claim_name').error(`"${message.claimName}" names no claim`);
  return { header: decodeName(message.headerName, at.field('header_name')), claim };
}

function decodeName(name: string, at: FieldScope): string {
  if (!headerName.test(name)) at.error(`"${name}" is no name of a header`);
  return name.toLowerCase();
}
