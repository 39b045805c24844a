import { isRecord, type NumberEdit } from '@inmesh/config';
import {
  findCluster,
  isProblem,
  type KubernetesClient,
  type KubernetesObject,
  openClient,
  type ResourceType,
} from '@inmesh/control-plane';
import { annotation, type CanaryRecord, formatRecord, parseRecord } from '../record.js';
import { anyKind, routedKinds } from '../routes/kinds.js';
import { type Fields, fieldsOf, type RoutedKind, textOf } from '../routes/routed-object.js';
import { labelsOfSubset } from './destination-rules.js';
import { fieldManager, lastingOwner, lastWriter } from './field-managers.js';
import type { Loaded, Target } from './target.js';
import type { TargetName } from './target-name.js';

export interface ClusterTargetOptions {
  readonly name: TargetName;
  /** Default: that of the context. */
  readonly namespace: string | undefined;
  readonly kubeconfig: string | undefined;
  readonly context: string | undefined;
  readonly clusterDomain: string;
}

/** @throws Error when there is no such object, or there are several */
export async function openClusterTarget(options: ClusterTargetOptions): Promise<Target> {
  const access = findCluster({ kubeconfig: options.kubeconfig, context: options.context });
  const namespace = options.namespace ?? access.namespace;
  const client = openClient(access);
  try {
    const found = await find(client, namespace, options.name);
    const where = { name: options.name.name, namespace };
    return new ClusterTarget(client, {
      ...found,
      flags: accessFlags(options),
      where,
      clusterDomain: options.clusterDomain,
      cluster: access.description,
    });
  } catch (error) {
    await client.close();
    throw error;
  }
}

/** As inmesh and kubectl take them. */
function accessFlags({ kubeconfig, context }: ClusterTargetOptions): string {
  return Object.entries({ kubeconfig, context })
    .map(([name, value]) => (value === undefined ? '' : ` --${name} ${value}`))
    .join('');
}

interface Found {
  readonly kind: RoutedKind;
  readonly type: ResourceType;
}

async function find(client: KubernetesClient, namespace: string, { kind, name }: TargetName): Promise<Found> {
  const found: Found[] = [];
  let forbidden: Error | undefined;
  for (const one of kind === undefined ? routedKinds : [kind]) {
    try {
      const type = await findType(client, one, { namespace, name });
      if (type !== undefined) found.push({ kind: one, type });
    } catch (error) {
      // Who may read VirtualServices alone has named one, in all likelihood.
      if (!isProblem(error, 'forbidden')) throw error;
      forbidden ??= error as Error;
    }
  }
  const [only, other] = found;
  if (only === undefined) {
    throw forbidden ?? new Error(`there is no ${kind?.kind ?? anyKind} ${namespace}/${name}`);
  }
  if (other !== undefined) {
    const names = found.map((one) => `${one.kind.aliases[0]}/${name}`).join(' or ');
    throw new Error(`there are several called ${namespace}/${name}: say ${names}`);
  }
  return only;
}

/** The kind as the API server has it; undefined where it does not, or has no such object. */
async function findType(client: KubernetesClient, kind: RoutedKind, where: { namespace: string; name: string }) {
  for (const version of kind.versions) {
    const type = { group: kind.group, version, plural: kind.plural, kind: kind.kind, namespaced: true };
    try {
      await client.get(type, where);
      return type;
    } catch (error) {
      if (!isProblem(error, 'not_found')) throw error;
    }
  }
  return undefined;
}

class ClusterTarget implements Target {
  readonly kind: RoutedKind;
  readonly description: string;
  readonly name: string;
  readonly recordPlace = `the annotation ${annotation}`;
  readonly commands: Target['commands'];
  readonly context: Target['context'];

  constructor(
    private readonly client: KubernetesClient,
    private readonly at: Found & {
      readonly where: { readonly namespace: string; readonly name: string };
      readonly clusterDomain: string;
      readonly cluster: string;
      readonly flags: string;
    },
  ) {
    const { kind, where, clusterDomain, cluster, flags } = at;
    this.kind = kind;
    this.name = where.name;
    this.description = `${kind.kind} ${where.namespace}/${where.name} of the cluster of ${cluster}`;
    this.context = { namespace: where.namespace, clusterDomain };
    const [alias] = kind.aliases;
    this.commands = {
      canary: `inmesh canary ${alias}/${where.name} -n ${where.namespace}${flags}`,
      forget: `kubectl${flags} -n ${where.namespace} annotate ${alias} ${where.name} ${annotation}-`,
    };
  }

  async load(): Promise<Loaded> {
    const object: KubernetesObject = await this.client.get(this.at.type, this.at.where);
    const { annotations = {}, resourceVersion = '' } = object.metadata;
    const text = annotations[annotation];
    const record = text === undefined ? undefined : parseRecord(text, this.recordPlace);
    return { object: { ...object }, record, token: resourceVersion };
  }

  /**
   * A JSON patch names what it changes: server-side apply of a weight would have to own the whole list of rules, and to send
   * all of it.
   */
  async save(
    loaded: Loaded,
    edits: readonly NumberEdit[],
    record: CanaryRecord | undefined,
  ): Promise<'saved' | 'stale'> {
    const body = [
      { op: 'test', path: '/metadata/resourceVersion', value: loaded.token },
      ...edits.flatMap((edit) => weightOperations(loaded.object, edit)),
      ...annotationOperations(loaded.object, record),
    ];
    if (body.length === 1) return 'saved';
    try {
      await this.client.patch(this.at.type, this.at.where, { kind: 'json', body }, { fieldManager });
      return 'saved';
    } catch (error) {
      // A test that fails is `invalid`, and so is a patch that a webhook or the schema says no to.
      const isStale = isProblem(error, 'conflict') || (isProblem(error, 'invalid') && (await this.#hasChanged(loaded)));
      if (isStale) return 'stale';
      throw error;
    }
  }

  async rehearse(loaded: Loaded, edits: readonly NumberEdit[]): Promise<void> {
    const body = edits.flatMap((edit) => weightOperations(loaded.object, edit));
    if (body.length === 0) return;
    await this.client.patch(this.at.type, this.at.where, { kind: 'json', body }, { fieldManager, dryRun: true });
  }

  blame({ object }: Loaded): string | undefined {
    return lastWriter(this.kind, object);
  }

  owner({ object }: Loaded): string | undefined {
    return lastingOwner(this.kind, object);
  }

  async subsetLabels(destination: Parameters<Target['subsetLabels']>[0]) {
    for (const version of ['v1', 'v1beta1']) {
      const kind = { plural: 'destinationrules', kind: 'DestinationRule', namespaced: true };
      try {
        const type = { ...kind, group: 'networking.istio.io', version };
        const { items } = await this.client.list(type, { namespace: this.at.where.namespace });
        return labelsOfSubset(
          items.map((item) => ({ ...item })),
          destination,
        );
      } catch (error) {
        if (isProblem(error, 'forbidden')) return {};
        if (!isProblem(error, 'not_found')) throw error;
      }
    }
    return undefined;
  }

  async close(): Promise<void> {
    await this.client.close();
  }

  async #hasChanged({ token }: Loaded): Promise<boolean> {
    return (await this.load()).token !== token;
  }
}

function weightOperations(object: Fields, { path, value }: NumberEdit): object[] {
  const pointer = `/${path.join('/')}`;
  const before = path.reduce<unknown>((at, step) => (at as Fields | undefined)?.[step], object);
  if (before === undefined) return [{ op: 'add', path: pointer, value }];
  const test = { op: 'test', path: pointer, value: before };
  return [test, value === undefined ? { op: 'remove', path: pointer } : { op: 'replace', path: pointer, value }];
}

function annotationOperations(object: Fields, record: CanaryRecord | undefined): object[] {
  const { annotations } = fieldsOf(object.metadata);
  const before = isRecord(annotations) ? textOf(annotations[annotation]) : undefined;
  const path = `/metadata/annotations/${annotation.replaceAll('/', '~1')}`;
  if (record === undefined) return before === undefined ? [] : [{ op: 'remove', path }];
  const value = formatRecord(record);
  if (!isRecord(annotations)) return [{ op: 'add', path: '/metadata/annotations', value: { [annotation]: value } }];
  return before === value ? [] : [{ op: 'add', path, value }];
}
