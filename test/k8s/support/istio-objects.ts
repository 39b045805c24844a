/** Shares of a service's calls by the version of its pods, in per cent. */
export function virtualService(namespace: string, name: string, weights: Readonly<Record<string, number>>) {
  const route = Object.entries(weights).map(([subset, weight]) => ({ destination: { host: name, subset }, weight }));
  const spec = { hosts: [name], http: [{ route }] };
  return { apiVersion: 'networking.istio.io/v1', kind: 'VirtualService', metadata: { name, namespace }, spec };
}

/** A subset for each version, by the label `version`. */
export function destinationRule(namespace: string, name: string, versions: readonly string[]) {
  const subsets = versions.map((version) => ({ name: version, labels: { version } }));
  const spec = { host: name, subsets };
  return { apiVersion: 'networking.istio.io/v1', kind: 'DestinationRule', metadata: { name, namespace }, spec };
}
