import type { ConfigObject } from '../objects.js';
import { type Document, document, type Modern } from './modern.js';
import { recordIn, textIn, textsIn } from './old-values.js';
import { labelsOfService } from './selected-workloads.js';

/** Istio's default for where the policies of the whole mesh stand. */
const rootNamespace = 'istio-system';

interface Policy {
  readonly name: string;
  readonly spec: Document;
}

/** A policy without rules matches nothing, and where one allows, what none allows is refused. */
const allowNothing: Policy = { name: 'allow-nothing', spec: {} };
const allowAll: Policy = { name: 'allow-all', spec: { action: 'ALLOW', rules: [{}] } };

/** Where role-based access was on, nothing is allowed but what a policy allows. */
export function convertRbacConfig({ body, kind }: ConfigObject, all: readonly ConfigObject[]): Modern {
  const { mode, inclusion, exclusion } = recordIn(body.spec);
  const everywhere = document('AuthorizationPolicy', { name: allowNothing.name, namespace: rootNamespace }, {});
  switch (textIn(mode)) {
    case 'ON':
      return { documents: [everywhere], notes: [] };
    case 'ON_WITH_INCLUSION':
      return forTargets(recordIn(inclusion), allowNothing, all);
    case 'ON_WITH_EXCLUSION': {
      const { documents, notes } = forTargets(recordIn(exclusion), allowAll, all);
      return { documents: [everywhere, ...documents], notes };
    }
    default:
      return { documents: [], notes: [`${kind}: its mode is OFF, so that it can be deleted`] };
  }
}

/** The policy for namespaces, and for the workloads of Services. */
function forTargets(
  { namespaces, services }: Readonly<Record<string, unknown>>,
  { name, spec }: Policy,
  all: readonly ConfigObject[],
): Modern {
  const notes: string[] = [];
  const ofNamespaces = textsIn(namespaces).map((namespace) =>
    document('AuthorizationPolicy', { name, namespace }, spec),
  );
  const ofServices = textsIn(services).map((host) => {
    const [service = '', namespace = ''] = host.split('.');
    const selector = { matchLabels: labelsOfService(service, namespace, all, notes) };
    return document('AuthorizationPolicy', { name: `${name}-${service}`, namespace }, { selector, ...spec });
  });
  return { documents: [...ofNamespaces, ...ofServices], notes };
}
