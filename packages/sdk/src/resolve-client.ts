import type { ClientLocality, ClientView, EgressMode } from '@inmesh/config';
import type { WorkloadInfo } from './mesh-internals.js';
import type { Environment, MeshOptions } from './options.js';

/** Where a pod's template mounts its labels from the downward API, most often. */
const labelsFile = '/etc/podinfo/labels';

/** Who calls: options, then environment; nothing where nothing is known. What is wrong is added to the problems. */
export function resolveClient(
  options: MeshOptions,
  { namespace, app, version }: WorkloadInfo,
  environment: Environment,
  problems: string[],
): ClientView {
  const { variables } = environment;
  const labels = { ...(app && { app }), ...(version && { version }), ...labelsOf(options, environment, problems) };
  const locality = localityOf(options, variables, problems);
  const nodeName = variables.NODE_NAME;
  const egress = egressOf(options, variables, problems);
  return Object.freeze({
    namespace,
    ...(Object.keys(labels).length > 0 && { labels }),
    ...(locality !== undefined && { locality }),
    ...(nodeName && { nodeName }),
    ...(egress !== undefined && { egress }),
  });
}

function labelsOf(
  { labels }: MeshOptions,
  { variables, readFile }: Environment,
  problems: string[],
): Readonly<Record<string, string>> {
  if (labels !== undefined) {
    const isTable = typeof labels === 'object' && labels !== null && !Array.isArray(labels);
    if (isTable && Object.values(labels).every((value) => typeof value === 'string')) return labels;
    problems.push('labels: not a table of texts, as in { app: "shop" }');
    return {};
  }
  if (variables.INMESH_LABELS) return readPairs(variables.INMESH_LABELS, problems);
  return readDownwardLabels(readFile(labelsFile) ?? '');
}

function readPairs(text: string, problems: string[]): Record<string, string> {
  const pairs = text.split(',').map((pair): [string, string] => {
    const equals = pair.indexOf('=');
    if (equals < 1) problems.push(`INMESH_LABELS: ${JSON.stringify(pair)} is not key=value`);
    return [pair.slice(0, equals).trim(), pair.slice(equals + 1).trim()];
  });
  return Object.fromEntries(pairs);
}

/** A line for each: `key="escaped value"`. Others wrote it, so what cannot be read is left out. */
function readDownwardLabels(text: string): Record<string, string> {
  const labels: Record<string, string> = {};
  for (const line of text.split('\n')) {
    const [, key, value] = /^([^=]+)=(".*")$/.exec(line.trim()) ?? [];
    if (key !== undefined && value !== undefined) labels[key] = value.slice(1, -1).replace(/\\(.)/g, '$1');
  }
  return labels;
}

function localityOf(
  options: MeshOptions,
  variables: Environment['variables'],
  problems: string[],
): ClientLocality | undefined {
  const [name, written] =
    options.locality === undefined ? ['INMESH_LOCALITY', variables.INMESH_LOCALITY] : ['locality', options.locality];
  if (!written) return undefined;
  const parts = String(written).split('/');
  if (parts.length > 3 || parts[0] === '') {
    problems.push(`${name}: ${JSON.stringify(written)} is not region/zone/subzone`);
    return undefined;
  }
  const [region = '', zone = '', subZone = ''] = parts;
  return { region, zone, subZone };
}

function egressOf(
  options: MeshOptions,
  variables: Environment['variables'],
  problems: string[],
): EgressMode | undefined {
  const [name, written] =
    options.egress === undefined ? ['INMESH_EGRESS', variables.INMESH_EGRESS] : ['egress', options.egress];
  if (!written) return undefined;
  if (written === 'ALLOW_ANY' || written === 'REGISTRY_ONLY') return written;
  problems.push(`${name}: ${JSON.stringify(written)} is neither ALLOW_ANY nor REGISTRY_ONLY`);
  return undefined;
}
