import { findCluster, type KubernetesOptions } from '@inmesh/control-plane';
import { UsageError } from './command.js';

/** Of a config server that serves the objects of a cluster. */
export const kubernetesFlags = {
  kubernetes: { type: 'boolean' },
  kubeconfig: { type: 'string' },
  context: { type: 'string' },
  'include-namespaces': { type: 'string', multiple: true },
  'exclude-namespaces': { type: 'string', multiple: true },
  revision: { type: 'string' },
  'controller-name': { type: 'string' },
} as const;

export const kubernetesHelp = `  --kubernetes         serve the Services, EndpointSlices, Istio and Gateway API objects of a cluster: that of --kubeconfig,
                       of KUBECONFIG, of the pod that this is, or of ~/.kube/config
  --kubeconfig FILE    where the cluster is, and who this is
  --context NAME       of the kubeconfig (its current one)
  --include-namespaces A,B
                       nothing but these; may be given several times, as the next
  --exclude-namespaces A,B
                       all but these
  --revision NAME      objects with another value of the label istio.io/rev are for another mesh (default)
  --controller-name N  of this mesh in the status of routes (inmesh.io/config-server)`;

type KubernetesFlags = {
  readonly [Name in keyof typeof kubernetesFlags]?:
    | ((typeof kubernetesFlags)[Name] extends { multiple: true }
        ? string[]
        : (typeof kubernetesFlags)[Name] extends { type: 'boolean' }
          ? boolean
          : string)
    | undefined;
};

/** Undefined: no cluster. @throws UsageError for flags that say nothing without another, or that no cluster can be found by */
export function readKubernetesFlags(flags: KubernetesFlags): KubernetesOptions | undefined {
  const { kubernetes = false, kubeconfig, context, revision, 'controller-name': controllerName } = flags;
  if (!kubernetes) {
    const useless = (Object.keys(kubernetesFlags) as (keyof typeof kubernetesFlags)[]).find(
      (name) => flags[name] !== undefined,
    );
    if (useless !== undefined)
      throw new UsageError(`--${useless} is for the objects of a cluster: give --kubernetes too`);
    return undefined;
  }
  const namespaces = parseNamespaces(flags['include-namespaces'], '--include-namespaces');
  const excludedNamespaces = parseNamespaces(flags['exclude-namespaces'], '--exclude-namespaces');
  if (namespaces.length > 0 && excludedNamespaces.length > 0) {
    throw new UsageError('--include-namespaces and --exclude-namespaces: give one');
  }
  if (revision !== undefined && !/^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/.test(revision)) {
    throw new UsageError(`--revision: ${JSON.stringify(revision)} is not the value of a label`);
  }
  if (
    controllerName !== undefined &&
    !/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?\/[A-Za-z0-9/._~%!$&'()*+,;=:-]+$/.test(controllerName)
  ) {
    throw new UsageError(`--controller-name: ${JSON.stringify(controllerName)} is not DOMAIN/PATH`);
  }
  return { cluster: clusterOf(kubeconfig, context), namespaces, excludedNamespaces, revision, controllerName };
}

function clusterOf(kubeconfig: string | undefined, context: string | undefined) {
  try {
    return findCluster({ kubeconfig, context });
  } catch (error) {
    throw new UsageError(`--kubernetes: ${(error as Error).message}`);
  }
}

function parseNamespaces(values: readonly string[] = [], flag: string): readonly string[] {
  const names = values.flatMap((value) => value.split(',').map((name) => name.trim()));
  const wrong = names.find((name) => !/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(name));
  if (wrong !== undefined) throw new UsageError(`${flag}: ${JSON.stringify(wrong)} is not the name of a namespace`);
  return names;
}
