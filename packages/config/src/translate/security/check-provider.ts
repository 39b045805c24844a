import type { Settings } from '../../options.js';
import { buildCustomFilters } from './custom-filters.js';
import type { Authorizer, ExtensionProviders } from './extension-providers.js';
import type { AuthorizationSourceObject } from './rbac-policies.js';
import { whyRefused } from './refused-filters.js';

/** Who is asked by a CUSTOM policy is in another object. */
export function checkProvider(
  policy: AuthorizationSourceObject,
  providers: ExtensionProviders,
  settings: Settings,
): void {
  const { provider } = policy.body.spec ?? {};
  if (provider === undefined) return;
  const authorizer = providers.find(provider.name);
  if (authorizer === undefined) sayUnknown(policy, provider.name, providers);
  else tryQuestion(policy, authorizer, settings);
}

function sayUnknown({ place }: AuthorizationSourceObject, name: string, providers: ExtensionProviders): void {
  const known = providers.names();
  place
    .at('spec', 'provider', 'name')
    .unresolved(
      `no file has an extension provider "${name}" for authorization`,
      known.length > 0
        ? `known: ${known.join(', ')}`
        : 'add an IstioOperator with it in spec.meshConfig.extensionProviders',
    );
}

function tryQuestion(
  policy: AuthorizationSourceObject,
  authorizer: Authorizer,
  { memory, trustDomain }: Settings,
): void {
  const { kind, settings, host, cluster } = authorizer;
  memory.recall(policy, 'question', [kind, settings, host, cluster], () => {
    const refusal = whyRefused(buildCustomFilters([policy], authorizer, trustDomain));
    if (refusal === undefined) return;
    policy.place.at('spec', 'provider').error(`no client can read how "${authorizer.name}" is asked: ${refusal}`);
  });
}
