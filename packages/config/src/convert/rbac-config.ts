import type { ConfigObject } from '../objects.js';
import { type Document, document, type Modern } from './modern.js';
import { recordIn } from './old-values.js';
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

/** Where role-based access was on, nothing is allowed but what a policy allows: so it is, too, where nobody can say. */
export function convertRbacConfig({ body, kind }: ConfigObject, all: readonly ConfigObject[]): Modern {
  const { mode, inclusion, exclusion } = recordIn(body.spec);
  const everywhere = document('AuthorizationPolicy', { name: allowNothing.name, namespace: rootNamespace }, {});
  const closed = (why: string): Modern => ({
    documents: [everywhere],
    notes: [`${kind}: ${why}: it is written as ON, for the whole mesh`],
  });
  switch (mode) {
    case 'ON':
      return { documents: [everywhere], notes: [] };
    case 'ON_WITH_INCLUSION': {
      const { documents, unread } = forTargets(recordIn(inclusion), allowNothing, all);
      if (unread.length > 0) return closed(unread.join(', '));
      return documents.length > 0 ? { documents, notes: [] } : closed('its inclusion names nothing');
    }
    case 'ON_WITH_EXCLUSION': {
      const { documents, unread } = forTargets(recordIn(exclusion), allowAll, all);
      return { documents: [everywhere, ...documents], notes: unread.map((one) => `${kind}: left out: ${one}`) };
    }
    case 'OFF':
    case undefined:
    case null:
      return { documents: [], notes: [`${kind}: its mode is OFF, so that it can be deleted`] };
    default:
      return closed(`its mode ${JSON.stringify(mode)} is unknown`);
  }
}

interface Targets {
  readonly documents: readonly Document[];
  readonly unread: readonly string[];
}

/** The policy for namespaces, and for the workloads of Services. What a Service selects by is never guessed here. */
function forTargets(
  { namespaces, services, ...others }: Readonly<Record<string, unknown>>,
  { name, spec }: Policy,
  all: readonly ConfigObject[],
): Targets {
  const unread = Object.keys(others).map((field) => `"${field}" has no form of today`);
  const documents = namesIn(namespaces, unread).map((namespace) =>
    document('AuthorizationPolicy', { name, namespace }, spec),
  );
  for (const host of namesIn(services, unread)) {
    const [service = '', namespace = ''] = host.split('.');
    const missing: string[] = [];
    const matchLabels = labelsOfService(service, namespace, all, missing);
    if (missing.length > 0) unread.push(`what Service "${host}" selects by is not known here: name its file, too`);
    else {
      const metadata = { name: `${name}-${service}`, namespace };
      documents.push(document('AuthorizationPolicy', metadata, { selector: { matchLabels }, ...spec }));
    }
  }
  return { documents, unread };
}

function namesIn(value: unknown, unread: string[]): readonly string[] {
  const values: readonly unknown[] = Array.isArray(value)
    ? value
    : value === undefined || value === null
      ? []
      : [value];
  return values.flatMap((one) => {
    if (typeof one === 'string' && /^[-a-z\d.]+$/.test(one)) return [one];
    unread.push(`${JSON.stringify(one)} is no name`);
    return [];
  });
}
