import { join } from 'node:path';
import { goProgram } from '../../interop/support/go-program.js';

/** Of Kubernetes, as `peers/go.mod` has it: what `kubectl version` says. */
export const kubernetesVersion = 'v1.35.4';

const [, minor] = kubernetesVersion.split('.');
const versionPackage = 'k8s.io/component-base/version';
const stamps = { gitVersion: kubernetesVersion, gitMajor: '1', gitMinor: minor };
const linked = Object.entries(stamps).map(([name, value]) => `-X ${versionPackage}.${name}=${value}`);
// Without symbols: 40 MB less to link, and to keep, for the API server alone.
const flags = ['-trimpath', '-ldflags', ['-s', '-w', ...linked].join(' ')];

const packages = {
  etcd: 'go.etcd.io/etcd/server/v3',
  'kube-apiserver': 'k8s.io/kubernetes/cmd/kube-apiserver',
  kubectl: 'k8s.io/kubernetes/cmd/kubectl',
  coredns: '.',
  helm: 'helm.sh/helm/v3/cmd/helm',
} as const;

export type PeerName = keyof typeof packages;

export const peerNames = Object.keys(packages) as PeerName[];

/** The program of another project, built from `peers/go.mod` when the cache has none; returns its path. @throws with what Go says */
export function peer(name: PeerName): Promise<string> {
  const source = join(import.meta.dirname, '..', 'peers');
  return goProgram('peers', { as: name, package: packages[name], source, flags });
}
