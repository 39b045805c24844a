import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { parseAllDocuments } from 'yaml';
import type { ApiServer } from './api-server.js';
import type { KubernetesObject } from './resource-path.js';

/** The folder of the manifests. */
export const k8sFolder = join(import.meta.dirname, '../../../k8s');

export interface PodTemplate {
  readonly metadata: {
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly spec: {
    readonly serviceAccountName: string;
    readonly containers: readonly [Container];
    readonly topologySpreadConstraints?: readonly Readonly<Record<string, unknown>>[];
    readonly volumes?: readonly { readonly name: string }[];
  };
}

interface Container {
  readonly image: string;
  readonly args: readonly string[];
  readonly ports?: readonly { readonly name: string; readonly containerPort: number }[];
  readonly readinessProbe?: { readonly tcpSocket?: { readonly port: string } };
  readonly env: readonly {
    readonly name: string;
    readonly value?: string;
    readonly valueFrom?: { readonly fieldRef: { readonly fieldPath: string } };
  }[];
  readonly volumeMounts?: readonly { readonly name: string; readonly mountPath: string }[];
}

/** What `kubectl kustomize` makes of a folder in `k8s/`. */
export async function kustomize(server: ApiServer, folder: string): Promise<KubernetesObject[]> {
  return objectsOf(await server.kubectl('kustomize', join(k8sFolder, folder)));
}

/** What users write over folders of `k8s/`, which are named as there. */
export interface Kustomization {
  readonly namespace?: string;
  readonly resources: readonly string[];
  readonly components?: readonly string[];
}

/** As {@link kustomize}, of a kustomization that stands elsewhere. */
export async function kustomizeOver(server: ApiServer, kustomization: Kustomization): Promise<KubernetesObject[]> {
  const { namespace, resources, components = [] } = kustomization;
  const cache = join(k8sFolder, '../.cache');
  mkdirSync(cache, { recursive: true });
  // Below the repository: Kustomize takes relative paths alone.
  const folder = mkdtempSync(join(cache, 'kustomization-'));
  const paths = (names: readonly string[]) => names.map((name) => relative(folder, join(k8sFolder, name)));
  try {
    const content = { namespace, resources: paths(resources), components: paths(components) };
    writeFileSync(join(folder, 'kustomization.yaml'), JSON.stringify(content));
    return objectsOf(await server.kubectl('kustomize', folder));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

export function objectsOf(yaml: string): KubernetesObject[] {
  return parseAllDocuments(yaml).flatMap((document) => (document.toJS() as KubernetesObject | null) ?? []);
}

/** @throws when there is none */
export function findObject(objects: readonly KubernetesObject[], kind: string, name?: string): KubernetesObject {
  const found = objects.find((one) => one.kind === kind && (name === undefined || one.metadata.name === name));
  if (found === undefined) throw new Error(`there is no ${kind} ${name ?? ''}`);
  return found;
}

export function templateOf(deployment: KubernetesObject): PodTemplate {
  return (deployment.spec as { template: PodTemplate }).template;
}

/** @param flags of kubectl; `--dry-run=server` has the API server check everything and keep nothing. @throws with what it says */
export async function applyAll(
  server: ApiServer,
  objects: readonly KubernetesObject[],
  ...flags: string[]
): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'inmesh-manifests-'));
  try {
    const file = join(folder, 'all.json');
    writeFileSync(file, JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }));
    return await server.kubectl('apply', '--warnings-as-errors', '--filename', file, ...flags);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
