import { formatIssue, type LoadedConfig, type LoadOptions, loadConfig } from '../src/index.js';

/** Reads a text as the file `a.yaml`, and others as `b.yaml` and so on. */
export function load(...texts: string[]): LoadedConfig {
  return loadWith({}, ...texts);
}

export function loadWith(options: LoadOptions, ...texts: string[]): LoadedConfig {
  const files = texts.map((text, index) => ({ path: `${'abcdef'[index]}.yaml`, text }));
  return loadConfig(files, options);
}

export function issuesOf(...texts: string[]): string[] {
  return load(...texts).issues.map(formatIssue);
}

export function service(name: string, ...ports: number[]): string {
  const list = ports.map((port) => `{ name: http-${port}, port: ${port} }`).join(', ');
  return `---
apiVersion: v1
kind: Service
metadata: { name: ${name} }
spec: { ports: [${list}] }
`;
}

/** A VirtualService for `shop`, whose rules are the lines that follow `http:`. */
export function virtualService(rules: string, name = 'shop'): string {
  return `---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: ${name} }
spec:
  hosts: [shop]
  http:
${rules}
`;
}

/** The route configuration of a host and port, as `path -> cluster` in short. */
export function routesOf({ resources }: LoadedConfig, name: string): string[] {
  const routes = resources.routes.get(name)?.virtualHosts[0]?.routes ?? [];
  return routes.map(({ match, action }) => {
    const { case: kind, value } = match!.pathSpecifier;
    const path = typeof value === 'string' ? value : JSON.stringify(value);
    if (action.case === 'directResponse') return `${kind} ${path} -> ${action.value.status}`;
    if (action.case !== 'route') return `${kind} ${path} -> nothing`;
    const { clusterSpecifier: target } = action.value;
    const clusters =
      target.case === 'weightedClusters'
        ? target.value.clusters.map(({ name: cluster, weight }) => `${cluster} ${weight}`).join(' + ')
        : String(target.value);
    return `${kind} ${path} -> ${clusters}`;
  });
}
