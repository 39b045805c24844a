// What the values of the Helm chart may be, as JSON Schema. Names, types and descriptions are those of values.yaml; what it cannot
// say is in `rules`.
import { isMap, isScalar, isSeq, parseDocument } from 'yaml';

const label = '^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$';
const name = '^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$';
/** `--set revision=120` is a number. */
const textOrNumber = ['string', 'integer'];
const labels = { items: { type: 'string', pattern: label } };

/** By the path of a value. */
const rules = {
  replicas: { minimum: 1 },
  'autoscaling.maxReplicas': { minimum: 1 },
  'autoscaling.targetCPUUtilizationPercentage': { minimum: 1 },
  'image.repository': { pattern: '^\\w[\\w.:/@-]*$' },
  'image.tag': { type: textOrNumber, pattern: '^(\\w[\\w.-]{0,127})?$' },
  'image.pullPolicy': { enum: ['Always', 'IfNotPresent', 'Never'] },
  imagePullSecrets: { items: objectOf({ name: { type: 'string', pattern: name } }, ['name']) },
  namespaces: labels,
  excludedNamespaces: labels,
  revision: { type: textOrNumber, pattern: label },
  clusterDomain: { pattern: name },
  'ca.secret': { pattern: name },
  'ca.rootsConfigMap': { pattern: name },
  'ca.trustDomain': { pattern: '^[a-z0-9._-]{1,255}$' },
  'webhook.failurePolicy': { enum: ['Ignore', 'Fail'] },
  'webhook.timeoutSeconds': { minimum: 1, maximum: 30 },
  resources: { properties: undefined, additionalProperties: true },
  maxOldSpaceSize: { minimum: 1 },
  'networkPolicy.apiServerPorts': { minItems: 1, items: { type: 'integer', minimum: 1, maximum: 65535 } },
  tolerations: { items: { type: 'object' } },
};

/** @param values the text of values.yaml @throws when a rule is about a value that is not there, or a list has none */
export function chartSchema(values) {
  const document = parseDocument(values);
  for (const path of Object.keys(rules)) {
    if (!document.hasIn(path.split('.'))) throw new Error(`values.yaml has no ${path}, which a rule is about`);
  }
  const { properties, ...schema } = schemaOf(document.contents, []);
  // What Helm hands to a chart that another one depends on.
  const all = { ...properties, global: { type: 'object' } };
  return { $schema: 'http://json-schema.org/draft-07/schema#', ...schema, properties: all };
}

function schemaOf(node, path) {
  return { ...typeOf(node, path), ...rules[path.join('.')] };
}

function typeOf(node, path) {
  if (isSeq(node)) return listOf(path.join('.'));
  if (isScalar(node)) return { type: Number.isInteger(node.value) ? 'integer' : typeof node.value };
  if (node.items.length === 0) return { type: 'object', additionalProperties: { type: 'string' } };
  return objectOf(Object.fromEntries(node.items.map((pair, at) => propertyOf(node, pair, at, path))));
}

function listOf(path) {
  if (rules[path]?.items === undefined) throw new Error(`there is no rule of what may be in the list ${path}`);
  return { type: 'array' };
}

function propertyOf(map, { key, value }, at, path) {
  // Of what stands first in a map, the comment is that of the map.
  const comment = (at === 0 ? map.commentBefore : undefined) ?? key.commentBefore;
  const description = isMap(value) || comment === undefined ? {} : { description: textOf(comment) };
  return [key.value, { ...description, ...schemaOf(value, [...path, key.value]) }];
}

function textOf(comment) {
  return comment
    .trim()
    .split(/\s*\n\s*/)
    .join(' ');
}

function objectOf(properties, required) {
  return { type: 'object', properties, required, additionalProperties: false };
}
