import { type HttpFilter, JwtAuthenticationSchema, type Listener } from '@inmesh/xds/messages';
import type { Settings } from '../../options.js';
import type { ObjectsByKind } from '../../read-objects.js';
import type { Registry } from '../registry.js';
import { checkOneProvider, hasSeveralProviders } from './check-one-provider.js';
import { checkPolicies } from './check-policies.js';
import { checkProvider } from './check-provider.js';
import { jwtFilterName } from './claims.js';
import { buildCustomFilters } from './custom-filters.js';
import { type Authorizer, ExtensionProviders } from './extension-providers.js';
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
  checkPolicies(objects, settings);
  const asking = objects.AuthorizationPolicy.filter((policy) => actionOf(policy) === 'CUSTOM');
  for (const policy of asking) checkProvider(policy, providers, settings);
  checkOneProvider(asking, settings);
  const modes = peerModes.of(client);
  const tokens = objects.RequestAuthentication.filter((policy) => isForClient(policy, settings));
  const authorization = objects.AuthorizationPolicy.filter((policy) => isForClient(policy, settings));
  if (!modes.isGiven && tokens.length === 0 && authorization.length === 0) return undefined;
  const rules = tokens.flatMap(({ body }) => body.spec?.jwtRules ?? []);
  const custom = authorization.filter((policy) => actionOf(policy) === 'CUSTOM');
  const filters: HttpFilter[] = [
    ...(rules.length > 0 ? [httpFilter(jwtFilterName, JwtAuthenticationSchema, buildJwtAuthentication(rules))] : []),
    ...buildCustomFilters(custom, authorizerOf(custom, providers, settings), trustDomain),
    ...buildRbacFilters(authorization, trustDomain),
  ];
  return buildInboundListener(modes, filters, pathSettings(objects.IstioOperator));
}

/** Of a provider that is unknown, too, what was to be decided is refused. */
function authorizerOf(
  custom: readonly AuthorizationSourceObject[],
  providers: ExtensionProviders,
  settings: Settings,
): Authorizer | undefined {
  const name = custom[0]?.body.spec?.provider?.name;
  return hasSeveralProviders(custom, settings) ? undefined : providers.find(name ?? '');
}
