import type { Principal as PrincipalModel } from '@inmesh/core';
import type { FilterStateMatcher, Principal, Principal_Authenticated, Principal_Set } from '../messages.js';
import { decodeCidrRange } from './decode-cidr-range.js';
import { decodeClaimPrincipal } from './decode-claim-matcher.js';
import { decodeHeaderMatcher } from './decode-header-matcher.js';
import { decodePathMatcher } from './decode-path-matcher.js';
import { decodeStringMatcher } from './decode-string-matcher.js';
import type { FieldScope } from './field-scope.js';
import { reportUnsupported } from './field-support.js';

/** Where istiod has Envoy keep the SPIFFE ID of the peer. */
const peerPrincipal = 'io.istio.peer_principal';

/** Envoy RBAC `Principal`. Undefined always goes with an error: no condition may get lost. */
export function decodePrincipal(message: Principal, at: FieldScope): PrincipalModel | undefined {
  reportUnsupported(message, at);
  const { identifier } = message;
  switch (identifier.case) {
    case 'any':
      return identifier.value ? { kind: 'any' } : at.field('any').error('must be true');
    case 'andIds':
      return { kind: 'all', principals: decodeSet(identifier.value, at.field('and_ids')) };
    case 'orIds':
      return { kind: 'oneOf', principals: decodeSet(identifier.value, at.field('or_ids')) };
    case 'notId': {
      const principal = decodePrincipal(identifier.value, at.field('not_id'));
      return principal && { kind: 'not', principal };
    }
    case undefined:
      return at.error('has no identifier');
    default:
      return decodeMatch(identifier, at);
  }
}

type MatchIdentifier = Exclude<
  Principal['identifier'],
  { case: 'any' | 'andIds' | 'orIds' | 'notId' } | { case: undefined }
>;

function decodeMatch(identifier: MatchIdentifier, at: FieldScope): PrincipalModel | undefined {
  switch (identifier.case) {
    case 'authenticated':
      return decodeAuthenticated(identifier.value, at.field('authenticated'));
    case 'filterState':
      return decodeFilterState(identifier.value, at.field('filter_state'));
    // Deprecated: it has always meant the address of the connection.
    case 'sourceIp':
    case 'directRemoteIp': {
      const name = identifier.case === 'sourceIp' ? 'source_ip' : 'direct_remote_ip';
      const range = decodeCidrRange(identifier.value, at.field(name));
      return range && { kind: 'directRemoteIp', range };
    }
    case 'remoteIp': {
      const range = decodeCidrRange(identifier.value, at.field('remote_ip'));
      return range && { kind: 'remoteIp', range };
    }
    case 'header': {
      const matcher = decodeHeaderMatcher(identifier.value, at.field('header'));
      return matcher && { kind: 'header', matcher };
    }
    case 'urlPath': {
      const matcher = decodePathMatcher(identifier.value, at.field('url_path'));
      return matcher && { kind: 'path', matcher };
    }
    case 'metadata':
      return decodeClaimPrincipal(identifier.value, at.field('metadata'));
  }
}

function decodeSet(message: Principal_Set, at: FieldScope): PrincipalModel[] {
  reportUnsupported(message, at);
  if (message.ids.length === 0) at.field('ids').error('is empty');
  return at.each('ids', message.ids, decodePrincipal);
}

function decodeAuthenticated(message: Principal_Authenticated, at: FieldScope): PrincipalModel | undefined {
  reportUnsupported(message, at);
  if (message.principalName === undefined) return { kind: 'authenticated', matcher: undefined };
  const matcher = decodeStringMatcher(message.principalName, at.field('principal_name'));
  return matcher && { kind: 'authenticated', matcher };
}

function decodeFilterState(message: FilterStateMatcher, at: FieldScope): PrincipalModel | undefined {
  reportUnsupported(message, at);
  if (message.key !== peerPrincipal)
    return at.field('key').error(`"${message.key}" is unknown, only "${peerPrincipal}" is`);
  if (message.matcher.case === undefined) return at.field('string_match').error('is missing');
  const matcher = decodeStringMatcher(message.matcher.value, at.field('string_match'));
  return matcher && { kind: 'authenticated', matcher };
}
