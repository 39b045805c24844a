import { isRecord } from './objects.js';
import type { SourceFile } from './source-file.js';
import { saysDryRun } from './translate/security/rbac-policies.js';

type Body = Readonly<Record<string, unknown>>;

/** Of an object of a cluster: nothing of it needs to be what it should be. */
interface Broken {
  readonly apiVersion: unknown;
  readonly metadata: Body;
  readonly spec: Body;
}

const mark = 'stand-in ';

/** What comes after a file, or after a stand-in, that cannot be used. */
const following = new WeakMap<SourceFile, SourceFile | undefined>();

/**
 * What is used of an object of a cluster when nothing of it can be: nothing at all, but for what somebody meant to close by
 * it. That stays closed where the object stands: requests are refused, plain text is not taken, a backend is not trusted
 * (Istio, too, fails closed). Of a stand-in that cannot be used, what is to stand in for it: the first keeps the selector,
 * the last is for the whole namespace.
 */
export function standInFor(file: SourceFile | undefined): SourceFile | undefined {
  if (file?.object === undefined) return undefined;
  if (!following.has(file)) follow(file, standInsOf(file.object));
  return following.get(file);
}

export function isStandIn({ text, object }: SourceFile): boolean {
  return object !== undefined && text.startsWith(mark);
}

function follow(file: SourceFile, [object, ...others]: readonly Body[]): void {
  const next = object && { path: file.path, text: `${mark}${JSON.stringify(object)}`, object };
  following.set(file, next);
  if (next !== undefined) follow(next, others);
}

function standInsOf({ apiVersion, kind, metadata, spec }: Body): readonly Body[] {
  const broken = { apiVersion, metadata: recordOf(metadata), spec: recordOf(spec) };
  switch (kind) {
    case 'AuthorizationPolicy':
      return ofAuthorization(broken);
    case 'RequestAuthentication':
      return ofTokens(broken);
    case 'PeerAuthentication':
      return ofPeers(broken);
    case 'BackendTLSPolicy':
      return ofBackend(broken);
    default:
      return [];
  }
}

/** Whatever it allows or refuses: where it allows, others may allow more, so that only a refusal closes. */
function ofAuthorization(broken: Broken): readonly Body[] {
  const { metadata, spec } = broken;
  const { action, rules, selector } = spec;
  if (action === 'AUDIT' || saysDryRun(recordOf(metadata.annotations)) || isForOthers(spec)) return [];
  // Who would be asked is what is broken most often. Nobody else need be refused then.
  const asked = action === 'CUSTOM' && Array.isArray(rules) ? [refusal(broken, nameOf(broken), selector, rules)] : [];
  return [...asked, ...refusals(broken, nameOf(broken))];
}

/** Without it tokens would not be looked at, and headers that are made of claims would be the client's own. */
function ofTokens(broken: Broken): readonly Body[] {
  return isForOthers(broken.spec) ? [] : refusals(broken, `${nameOf(broken)}.refused-request-authentication`);
}

function ofPeers({ metadata, spec }: Broken): readonly Body[] {
  const { name, namespace, creationTimestamp } = metadata;
  const strict = (own: Body, target: Body): Body => ({
    apiVersion: 'security.istio.io/v1',
    kind: 'PeerAuthentication',
    metadata: { name, namespace, ...own },
    spec: { ...target, mtls: { mode: 'STRICT' } },
  });
  const age = typeof creationTimestamp === 'string' ? { creationTimestamp } : {};
  // It may be for workloads, and these go before the namespace: so does the oldest of a namespace.
  return [strict(age, selecting(spec.selector)), strict({ creationTimestamp: '' }, {})];
}

/** Authorities that are of a kind which nobody has. */
const untrusting = {
  hostname: 'refused',
  caCertificateRefs: [{ group: 'inmesh.io', kind: 'RefusedPolicy', name: 'refused' }],
};

function ofBackend({ apiVersion, metadata, spec: { targetRefs } }: Broken): readonly Body[] {
  return [{ apiVersion, kind: 'BackendTLSPolicy', metadata, spec: { targetRefs, validation: untrusting } }];
}

function refusals(broken: Broken, name: string): readonly Body[] {
  const { selector } = broken.spec;
  const all = [{}];
  return [refusal(broken, name, selector, all), refusal(broken, name, undefined, all)];
}

function refusal(
  { metadata: { namespace } }: Broken,
  name: string,
  selector: unknown,
  rules: readonly unknown[],
): Body {
  return {
    apiVersion: 'security.istio.io/v1',
    kind: 'AuthorizationPolicy',
    metadata: { name, namespace },
    spec: { ...selecting(selector), action: 'DENY', rules },
  };
}

function selecting(selector: unknown): Body {
  return selector === undefined ? {} : { selector };
}

/** Waypoints and gateways, which no workload is. */
function isForOthers({ selector, targetRef, targetRefs }: Body): boolean {
  return selector === undefined && (isRecord(targetRef) || (Array.isArray(targetRefs) && targetRefs.length > 0));
}

function nameOf({ metadata: { name } }: Broken): string {
  return String(name);
}

function recordOf(value: unknown): Body {
  return isRecord(value) ? value : {};
}
