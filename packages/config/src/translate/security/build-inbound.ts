import { type HttpFilter, JwtAuthenticationSchema, type Listener } from '@inmesh/xds/messages';
import type { Settings } from '../../options.js';
import type { ObjectsByKind } from '../../read-objects.js';
import type { Registry } from '../registry.js';
import { checkAuthorization } from './check-authorization.js';
import { checkJwtRules } from './check-jwt-rules.js';
import { jwtFilterName } from './claims.js';
import { buildCustomFilters } from './custom-filters.js';
import { ExtensionProviders } from './extension-providers.js';
import { httpFilter } from './http-filter.js';
import { buildInboundListener } from './inbound-listener.js';
import { buildJwtAuthentication } from './jwt-authentication.js';
import { pathSettings } from './path-normalization.js';
import type { PeerModes } from './peer-modes.js';
import { actionOf, buildRbacFilters } from './rbac-filters.js';
import type { AuthorizationSourceObject } from './rbac-policies.js';
import { isForClient } from './selected.js';

type Policies = Pick<ObjectsByKind, 'AuthorizationPolicy' | 'RequestAuthentication' | 'IstioOperator'>;

/** What the client's own workload demands of those that call it; undefined where no policy is for it. */
export function buildInbound(
  objects: Policies,
  peerModes: PeerModes,
  registry: Registry,
  settings: Settings,
): Listener | undefined {
  const { client, trustDomain } = settings;
  const providers = new ExtensionProviders(objects.IstioOperator, registry);
  for (const policy of objects.AuthorizationPolicy) checkAuthorization(policy, providers);
  for (const policy of objects.RequestAuthentication) checkJwtRules(policy);
  const modes = peerModes.of(client);
  const tokens = objects.RequestAuthentication.filter((policy) => isForClient(policy, settings));
  const authorization = objects.AuthorizationPolicy.filter((policy) => isForClient(policy, settings));
  if (!modes.isGiven && tokens.length === 0 && authorization.length === 0) return undefined;
  const rules = tokens.flatMap(({ body }) => body.spec?.jwtRules ?? []);
  const custom = authorization.filter((policy) => actionOf(policy) === 'CUSTOM');
  const filters: HttpFilter[] = [
    ...(rules.length > 0 ? [httpFilter(jwtFilterName, JwtAuthenticationSchema, buildJwtAuthentication(rules))] : []),
    ...buildCustomFilters(custom, authorizerOf(custom, providers), trustDomain),
    ...buildRbacFilters(authorization, trustDomain),
  ];
  return buildInboundListener(modes, filters, pathSettings(objects.IstioOperator));
}

/** Two that decide are one too many for a workload (Istio): what they were to decide of is refused. */
function authorizerOf(custom: readonly AuthorizationSourceObject[], providers: ExtensionProviders) {
  const [first, ...others] = custom;
  const name = first?.body.spec?.provider?.name;
  const differing = others.find(({ body }) => body.spec?.provider?.name !== name);
  if (name === undefined || differing === undefined) return providers.find(name ?? '');
  differing.place
    .at('spec', 'provider', 'name')
    .unresolved(
      `${first!.place.reference} is for the same workload and asks "${name}"`,
      'a workload takes one provider',
    );
  return undefined;
}
