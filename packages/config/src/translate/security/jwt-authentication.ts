import { create, type MessageInitShape } from '@bufbuild/protobuf';
import {
  type JwtAuthentication,
  JwtAuthenticationSchema,
  type JwtProvider,
  JwtProviderSchema,
} from '@inmesh/xds/messages';
import { parseGoDuration } from '../../durations.js';
import type { JwtRule } from '../../schema/request-authentication.js';
import { clusterName } from '../mesh-service.js';
import { jwtPayloadKey } from './claims.js';

/** Istio's default. */
const defaultTimeout = { seconds: 5n, nanos: 0 };

/** How long fetched keys are used before they are fetched again: Envoy's default and istiod's alike. */
const cacheDuration = { seconds: 300n, nanos: 0 };

/** Of a rule that is refused already. */
const noKeys = '{"keys":[]}';

/** Claims that are lists with spaces between them, beside those that a rule names (Istio). */
const spaceDelimitedClaims = ['scope', 'permission'];

/**
 * What of tokens is to be checked: one that is there has to be good for one of the providers, and none has to be there. Which
 * requests need one, an AuthorizationPolicy says.
 */
export function buildJwtAuthentication(rules: readonly JwtRule[]): JwtAuthentication {
  const providers = rules.map((rule, index): [string, JwtProvider] => [`origins-${index}`, buildProvider(rule)]);
  const requirements = [
    ...providers.map(([name]) => ({ requiresType: { case: 'providerName', value: name } as const })),
    { requiresType: { case: 'allowMissing', value: {} } as const },
  ];
  return create(JwtAuthenticationSchema, {
    providers: Object.fromEntries(providers),
    rules: [
      {
        match: { pathSpecifier: { case: 'prefix', value: '/' } },
        requirementType: {
          case: 'requires',
          value: { requiresType: { case: 'requiresAny', value: { requirements } } },
        },
      },
    ],
    bypassCorsPreflight: true,
  });
}

function buildProvider(rule: JwtRule): JwtProvider {
  const { fromHeaders = [], fromParams = [], fromCookies = [], outputClaimToHeaders = [] } = rule;
  return create(JwtProviderSchema, {
    issuer: rule.issuer,
    audiences: [...(rule.audiences ?? [])],
    jwksSourceSpecifier: keysOf(rule),
    forward: rule.forwardOriginalToken ?? false,
    fromHeaders: fromHeaders.map(({ name, prefix = '' }) => ({ name, valuePrefix: prefix })),
    fromParams: [...fromParams],
    fromCookies: [...fromCookies],
    forwardPayloadHeader: rule.outputPayloadToHeader ?? '',
    claimToHeaders: outputClaimToHeaders.map(({ header, claim }) => ({ headerName: header, claimName: claim })),
    payloadInMetadata: jwtPayloadKey,
    normalizePayloadInMetadata: {
      spaceDelimitedClaims: [...new Set([...spaceDelimitedClaims, ...(rule.spaceDelimitedClaims ?? [])])],
    },
  });
}

type Keys = NonNullable<MessageInitShape<typeof JwtProviderSchema>['jwksSourceSpecifier']>;

function keysOf(rule: JwtRule): Keys {
  const { jwks, timeout = '' } = rule;
  const uri = jwks === undefined ? addressOfKeys(rule) : undefined;
  if (uri === undefined) {
    return { case: 'localJwks', value: { specifier: { case: 'inlineString', value: jwks ?? noKeys } } };
  }
  const parsed = parseGoDuration(timeout);
  const httpUri = {
    uri,
    httpUpstreamType: { case: 'cluster', value: keysCluster(uri) } as const,
    timeout: parsed.ok ? parsed.duration : defaultTimeout,
  };
  return { case: 'remoteJwks', value: { httpUri, cacheDuration, asyncFetch: {} } };
}

/**
 * Where the keys are, or the issuer's description that tells it (OpenID Connect Discovery), which the SDK asks first as
 * istiod does. Undefined where the issuer is no URL.
 */
export function addressOfKeys({ jwksUri, issuer }: Pick<JwtRule, 'jwksUri' | 'issuer'>): string | undefined {
  if (jwksUri !== undefined) return jwksUri;
  const isUrl = /^https?:\/\//.test(issuer) && URL.canParse(issuer);
  return isUrl ? `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration` : undefined;
}

/** By which an Envoy fetches; the SDK does so by the URL itself. */
function keysCluster(uri: string): string {
  const { protocol, hostname, port } = new URL(uri);
  return clusterName(hostname, port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port));
}
