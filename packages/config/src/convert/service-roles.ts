import type { ConfigObject } from '../objects.js';
import { readConditionKey } from '../translate/security/conditions.js';
import { type Document, document, joined, type Modern, notConverted } from './modern.js';
import { unreadable } from './old-shapes.js';
import { recordIn, recordsIn, textIn, textsIn, withoutEmpty } from './old-values.js';
import { isLabelConstraint, type RoleTarget, roleTargets } from './role-targets.js';

type Body = Readonly<Record<string, unknown>>;
type Conditions = readonly { readonly key: string; readonly values: readonly string[] }[];

/** A ServiceRoleBinding with its ServiceRole: AuthorizationPolicies that allow what the two allowed together. */
export function convertBinding(binding: ConfigObject, all: readonly ConfigObject[]): Modern {
  const problems = unreadable(binding);
  if (problems.length > 0) return notConverted(binding, problems);
  const spec = recordIn(binding.body.spec);
  const name = textIn(recordIn(spec.roleRef).name) || textIn(spec.role);
  const role = all.find(
    (other) => other.kind === 'ServiceRole' && other.name === name && other.namespace === binding.namespace,
  );
  if (role === undefined) {
    return { documents: [], notes: [`ServiceRoleBinding ${binding.name}: there is no ServiceRole "${name}"`] };
  }
  const problemsOfRole = unreadable(role).map((problem) => `${role.kind} ${role.name}: ${problem}`);
  if (problemsOfRole.length > 0) return notConverted(binding, problemsOfRole);
  const notes: string[] = [];
  const subjects = recordsIn(spec.subjects).map((subject) => readSubject(subject, notes));
  const isTried = spec.mode === 'PERMISSIVE';
  const byTarget = new Map<string, { target: RoleTarget; rules: Document[] }>();
  for (const rule of recordsIn(recordIn(role.body.spec).rules)) {
    const { targets, hosts } = roleTargets(rule, role.namespace, all);
    const granted = grant(readRule(rule, hosts, notes), subjects);
    for (const target of targets) {
      const key = JSON.stringify(target);
      const found = byTarget.get(key) ?? { target, rules: [] };
      byTarget.set(key, { target, rules: [...found.rules, ...granted] });
    }
  }
  const documents = [...byTarget.values()].map(({ target, rules }) => {
    const { suffix, labels } = target;
    const metadata = {
      name: suffix === '' ? binding.name : `${binding.name}-${suffix}`,
      namespace: binding.namespace,
      ...(isTried && { annotations: { 'istio.io/dry-run': 'true' } }),
    };
    const selector = Object.keys(labels).length > 0 ? { selector: { matchLabels: labels } } : {};
    return document('AuthorizationPolicy', metadata, { ...selector, action: 'ALLOW', rules });
  });
  return { documents, notes: notes.map((note) => `${binding.kind} ${binding.name}: ${note}`) };
}

type Subject = ReturnType<typeof readSubject>;

function grant({ operation, when }: ReturnType<typeof readRule>, subjects: readonly Subject[]): Document[] {
  return subjects.map((subject) =>
    withoutEmpty({
      from: Object.keys(subject.source).length > 0 ? [{ source: subject.source }] : [],
      to: Object.keys(operation).length > 0 ? [{ operation }] : [],
      when: [...when, ...subject.when],
    }),
  );
}

/** What the bindings of a role lead to. */
export function convertRole(role: ConfigObject, all: readonly ConfigObject[]): Modern {
  const bindings = all.filter(
    ({ kind, namespace, body }) =>
      kind === 'ServiceRoleBinding' &&
      namespace === role.namespace &&
      (recordIn(recordIn(body.spec).roleRef).name ?? recordIn(body.spec).role) === role.name,
  );
  if (bindings.length > 0) return joined(bindings.map((binding) => convertBinding(binding, all)));
  return { documents: [], notes: [`ServiceRole ${role.name}: no ServiceRoleBinding grants it: it can be deleted`] };
}

/** @param services those that no selector stands for */
function readRule(rule: Body, services: readonly string[], notes: string[]): { operation: Document; when: Conditions } {
  const { hosts, notHosts, methods, notMethods, paths, notPaths, ports, notPorts } = rule;
  const named = [...services, ...textsIn(hosts)];
  if (services.length > 0)
    notes.push('a host is what the caller says it calls: add a selector for the workloads meant');
  const operation = withoutEmpty({
    hosts: named.includes('*') ? [] : named,
    notHosts: textsIn(notHosts),
    methods: withoutAll(textsIn(methods)),
    notMethods: textsIn(notMethods),
    paths: withoutAll(textsIn(paths)),
    notPaths: textsIn(notPaths),
    ports: textsIn(ports),
    notPorts: textsIn(notPorts),
  });
  const constraints = recordsIn(rule.constraints)
    .map(({ key, values }) => ({ key: textIn(key), values: textsIn(values) }))
    .filter((constraint) => !isLabelConstraint(constraint));
  return { operation, when: known(constraints, notes) };
}

/** Alone it is every value, which is the same as no list. */
function withoutAll(values: readonly string[]): readonly string[] {
  return values.includes('*') ? [] : values;
}

function readSubject(subject: Body, notes: string[]): { source: Document; when: Conditions } {
  const properties = Object.entries(recordIn(subject.properties)).map(([key, value]) => ({
    key,
    values: textsIn(value),
  }));
  const valuesOf = (key: string) => properties.find((property) => property.key === key)?.values ?? [];
  const { user, names, notNames, namespaces, notNamespaces, ips, notIps } = subject;
  const users = textIn(user);
  const source = withoutEmpty({
    principals: [...(users === '' || users === '*' ? [] : [users]), ...textsIn(names), ...valuesOf('source.principal')],
    notPrincipals: textsIn(notNames),
    requestPrincipals: valuesOf('request.auth.principal'),
    namespaces: [...textsIn(namespaces), ...valuesOf('source.namespace')],
    notNamespaces: textsIn(notNamespaces),
    ipBlocks: [...textsIn(ips), ...valuesOf('source.ip')],
    notIpBlocks: textsIn(notIps),
  });
  const groups = [...textsIn(subject.group), ...textsIn(subject.groups)];
  const inSource = ['source.principal', 'request.auth.principal', 'source.namespace', 'source.ip'];
  const when = [
    ...(groups.length > 0 ? [{ key: 'request.auth.claims[groups]', values: groups }] : []),
    ...properties.filter(({ key }) => !inSource.includes(key)),
  ];
  return { source, when: known(when, notes) };
}

/** What today's API has no condition for stays, so that the loader refuses it: without it the policy would allow more. */
function known(conditions: Conditions, notes: string[]): Conditions {
  for (const { key } of conditions) {
    const read = readConditionKey(key);
    if (!read.ok) notes.push(`the condition ${key} has to be written in another way: ${read.hint ?? read.message}`);
  }
  return conditions;
}
