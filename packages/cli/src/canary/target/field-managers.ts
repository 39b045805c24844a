import { isRecord } from '@inmesh/config';
import { type Fields, fieldsOf, type RoutedKind } from '../routes/routed-object.js';

/** What the API server notes of who set a field (`managedFields` of meta/v1). */
interface Manager {
  readonly name: string;
  readonly operation: string;
  readonly time: string;
}

export const fieldManager = 'inmesh-canary';

/** Tools that write what they find in a repository, again and again, and not all of them by server-side apply. */
const gitOps = /argo-?cd|kustomize-controller|helm-controller|^flux|fleet-?agent|config-?sync|^configsync/i;

/**
 * Those who set the rules, the latest first. Lists of rules are atomic in the schemas of Istio and the Gateway API: Kubernetes
 * knows no owner of a single weight, only of all rules.
 */
function managersOf(kind: RoutedKind, object: Fields): Manager[] {
  const { managedFields } = fieldsOf(object.metadata);
  const entries = Array.isArray(managedFields) ? managedFields.filter(isRecord) : [];
  return entries
    .filter(({ fieldsV1 }) => `f:${kind.rules}` in fieldsOf(fieldsOf(fieldsV1)['f:spec']))
    .map(({ manager, operation, time }) => ({
      name: String(manager),
      operation: String(operation),
      time: String(time),
    }))
    .sort((a, b) => (a.time < b.time ? 1 : -1));
}

/** Who set them last, other than us. */
export function lastWriter(kind: RoutedKind, object: Fields): string | undefined {
  const [last] = managersOf(kind, object).filter(({ name }) => name !== fieldManager);
  return last && describe(last);
}

/** `kubectl apply --server-side` is somebody at a keyboard, who writes once. */
const people = new Set(['kubectl', fieldManager]);

/** Who holds on to them: a manager of server-side apply, or a tool of GitOps. */
export function lastingOwner(kind: RoutedKind, object: Fields): string | undefined {
  const owner = managersOf(kind, object).find(
    ({ name, operation }) => !people.has(name) && (operation === 'Apply' || gitOps.test(name)),
  );
  return owner && describe(owner);
}

function describe({ name, operation, time }: Manager): string {
  return `${name} (${operation}, ${time})`;
}
