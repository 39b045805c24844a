import { UsageError } from '../command.js';
import { anyKind } from './routes/kinds.js';
import { openClusterTarget } from './target/cluster-target.js';
import { openFileTarget } from './target/file-target.js';
import type { Target } from './target/target.js';
import { parseTargetName } from './target/target-name.js';

/** Whose weights. */
export const targetFlags = {
  file: { type: 'string' },
  namespace: { type: 'string', short: 'n' },
  kubeconfig: { type: 'string' },
  context: { type: 'string' },
  'cluster-domain': { type: 'string' },
  host: { type: 'string' },
  output: { type: 'string' },
  'dry-run': { type: 'boolean' },
  force: { type: 'boolean' },
} as const;

export const targetHelp = `  --file PATH          the object of this YAML file, and not of a cluster; comments and layout stay
  --namespace NS       of the object (that of the context)
  --kubeconfig FILE    of the cluster (KUBECONFIG, the pod's own, ~/.kube/config)
  --context NAME       of the kubeconfig (its current one)
  --cluster-domain D   end of service names (cluster.local)
  --host HOST          whose version it is, where rules of several hosts have one of that name
  --output text|json   json: one object a line, the last one with "event":"summary" (text)
  --dry-run            say what would be done, and change nothing
  --force              take weights that belong to somebody else, or that somebody else has changed, or whose canary is silent`;

export interface TargetFlags {
  readonly file?: string | undefined;
  readonly namespace?: string | undefined;
  readonly kubeconfig?: string | undefined;
  readonly context?: string | undefined;
  readonly 'cluster-domain'?: string | undefined;
}

/** The only name of the command line. @throws UsageError */
export function requireTarget(positionals: readonly string[]): string {
  const [name, ...more] = positionals;
  if (name === undefined || more.length > 0) throw new UsageError(`name one ${anyKind}`);
  return name;
}

/** @throws Error when there is no such object */
export async function openTarget(written: string, flags: TargetFlags): Promise<Target> {
  const { file: path, namespace, kubeconfig, context } = flags;
  const clusterDomain = flags['cluster-domain'] ?? 'cluster.local';
  const name = parseTargetName(written);
  if (path === undefined) return await openClusterTarget({ name, namespace, kubeconfig, context, clusterDomain });
  if (kubeconfig !== undefined || context !== undefined) throw new UsageError('--file is of no cluster: give it alone');
  return openFileTarget({ path, name, namespace, clusterDomain });
}

export function parseOutput(written: string | undefined): 'text' | 'json' {
  if (written === undefined || written === 'text' || written === 'json') return written ?? 'text';
  throw new UsageError(`--output: ${JSON.stringify(written)} is not text or json`);
}
