import { type ConfigObject, isRecord } from '../objects.js';
import { type Document, document, type Modern, notConverted } from './modern.js';
import { unreadable } from './old-shapes.js';
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
  const unread = unreadable(policy);
  const problems = unread.length > 0 ? unread : tokenProblems(spec);
  if (problems.length > 0) return notConverted(policy, problems);
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
  const rules = tokenRules(spec);
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

function tokenRules(spec: Body): readonly Body[] {
  return [...recordsIn(spec.origins), ...recordsIn(spec.peers)].flatMap(({ jwt }) => (isRecord(jwt) ? [jwt] : []));
}

/** Of issuers with rules of their own each was good for its paths alone, which a policy of today cannot say. */
function tokenProblems(spec: Body): readonly string[] {
  const triggers = new Set(tokenRules(spec).map((rule) => JSON.stringify(triggersOf(rule))));
  return triggers.size > 1 ? ['its issuers have different triggerRules: write a policy for the paths of each'] : [];
}

function triggersOf({ triggerRules, trigger_rules: older }: Body): readonly Body[] {
  return recordsIn(triggerRules ?? older);
}

/** Requests without a token were refused, on the paths that one of the `triggerRules` names; without any, on all. */
function requireToken([first = {}]: readonly Body[], ports: readonly number[]): Document {
  const triggers = triggersOf(first);
  const operations = (triggers.length > 0 ? triggers : [{}]).map((trigger) => operationOf(trigger, ports));
  const isEverything = operations.some((operation) => Object.keys(operation).length === 0);
  const to = isEverything ? {} : { to: operations.map((operation) => ({ operation })) };
  return { action: 'DENY', rules: [{ from: [{ source: { notRequestPrincipals: ['*'] } }], ...to }] };
}

function operationOf(trigger: Body, ports: readonly number[]): Document {
  const included = trigger.includedPaths ?? trigger.included_paths;
  // Expressions have no form of today: where they name paths, a token is needed on all.
  const isWhole = recordsIn(included).every(({ regex }) => regex === undefined);
  return withoutEmpty({
    paths: isWhole ? pathsIn(included) : [],
    notPaths: pathsIn(trigger.excludedPaths ?? trigger.excluded_paths),
    ports: ports.map(String),
  });
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
