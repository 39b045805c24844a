import { type ConfigObject, isRecord } from '../objects.js';
import { type Document, document, type Modern } from './modern.js';
import { recordIn, recordsIn, textIn, textsIn, withoutEmpty } from './old-values.js';
import { labelsOfService } from './selected-workloads.js';

type Body = Readonly<Record<string, unknown>>;

const rootNamespace = 'istio-system';

/** What a workload is called by, for one target or, without any, for all of its namespace. */
interface Target {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly ports: readonly number[];
}

/** An authentication Policy: peers, tokens, and whether a token has to be there are three kinds today. */
export function convertAuthentication(policy: ConfigObject, all: readonly ConfigObject[]): Modern {
  const spec = recordIn(policy.body.spec);
  const namespace = policy.kind === 'MeshPolicy' ? rootNamespace : policy.namespace;
  const notes: string[] = [];
  const targets = recordsIn(spec.targets).map((target) => readTarget(target, policy, all, notes));
  const everywhere: Target = { name: '', labels: {}, ports: [] };
  const documents = (targets.length > 0 ? targets : [everywhere]).flatMap((target) =>
    documentsFor(spec, target, { name: nameFor(policy.name, target), namespace }),
  );
  if (spec.principalBinding !== 'USE_ORIGIN' && recordsIn(spec.origins).length > 0) {
    notes.push(
      `${policy.kind} ${policy.name}: the identity of a request is both that of the peer and that of the token now`,
    );
  }
  return { documents, notes };
}

function documentsFor(spec: Body, target: Target, metadata: { name: string; namespace: string }): Document[] {
  const selector = Object.keys(target.labels).length > 0 ? { selector: { matchLabels: target.labels } } : {};
  const rules = [...recordsIn(spec.origins), ...recordsIn(spec.peers)].flatMap(({ jwt }) =>
    isRecord(jwt) ? [jwt] : [],
  );
  const documents = [document('PeerAuthentication', metadata, { ...selector, ...mutualTls(spec, target.ports) })];
  if (rules.length === 0) return documents;
  documents.push(document('RequestAuthentication', metadata, { ...selector, jwtRules: rules.map(readJwt) }));
  if (spec.originIsOptional !== true) {
    const required = { name: `${metadata.name}-require-jwt`, namespace: metadata.namespace };
    documents.push(document('AuthorizationPolicy', required, { ...selector, ...requireToken(rules, target.ports) }));
  }
  return documents;
}

/** Without peers the old Policy took plain text, and `mtls` without a mode was strict. */
function mutualTls({ peers, peerIsOptional }: Body, ports: readonly number[]): Document {
  const peer = recordsIn(peers).find((found) => Object.hasOwn(found, 'mtls'));
  const isOptional = peerIsOptional === true || recordIn(peer?.mtls).mode === 'PERMISSIVE';
  const mtls = { mode: peer === undefined ? 'DISABLE' : isOptional ? 'PERMISSIVE' : 'STRICT' };
  if (ports.length === 0) return { mtls };
  return { portLevelMtls: Object.fromEntries(ports.map((port) => [port, mtls])) };
}

function readJwt({ issuer, audiences, jwksUri, jwks, jwtHeaders, jwtParams }: Body): Document {
  return withoutEmpty({
    issuer: textIn(issuer),
    audiences: textsIn(audiences),
    jwksUri: textIn(jwksUri),
    jwks: textIn(jwks),
    fromHeaders: textsIn(jwtHeaders).map((name) => ({ name })),
    fromParams: textsIn(jwtParams),
  });
}

/** Requests without a token were refused, on the paths that `triggerRules` name. */
function requireToken(rules: readonly Body[], ports: readonly number[]): Document {
  const triggers = rules.flatMap(({ triggerRules, trigger_rules: older }) => recordsIn(triggerRules ?? older));
  const included = triggers.flatMap((trigger) => pathsIn(trigger.includedPaths ?? trigger.included_paths));
  const excluded = triggers.flatMap((trigger) => pathsIn(trigger.excludedPaths ?? trigger.excluded_paths));
  // Expressions have no form of today: where they name paths, a token is needed on all.
  const isWhole = triggers.every(({ includedPaths, included_paths: older }) =>
    recordsIn(includedPaths ?? older).every(({ regex }) => regex === undefined),
  );
  const operation = withoutEmpty({ paths: isWhole ? included : [], notPaths: excluded, ports: ports.map(String) });
  const to = Object.keys(operation).length > 0 ? { to: [{ operation }] } : {};
  return { action: 'DENY', rules: [{ from: [{ source: { notRequestPrincipals: ['*'] } }], ...to }] };
}

function pathsIn(value: unknown): string[] {
  return recordsIn(value).flatMap(({ exact, prefix, suffix }) => {
    if (typeof exact === 'string') return [exact];
    if (typeof prefix === 'string') return [`${prefix}*`];
    return typeof suffix === 'string' ? [`*${suffix}`] : [];
  });
}

/** Targets were Services, and workloads are selected by labels now: those that the Service selects by, where it is known. */
function readTarget(target: Body, policy: ConfigObject, all: readonly ConfigObject[], notes: string[]): Target {
  const name = textIn(target.name);
  const own: string[] = [];
  const labels = labelsOfService(name, policy.namespace, all, own);
  const ports = recordsIn(target.ports).flatMap(({ number }) => (typeof number === 'number' ? [number] : []));
  if (ports.length > 0) own.push('ports are those of the workload now, not of the Service');
  notes.push(...own.map((note) => `${policy.kind} ${policy.name}: ${note}`));
  return { name, labels, ports };
}

function nameFor(policy: string, { name }: Target): string {
  return name === '' || name === policy ? policy : `${policy}-${name}`;
}
