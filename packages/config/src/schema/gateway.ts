import { host, labels, namespaceName, nonEmpty, port } from './checks.js';
import { anything, ignored, list, type ObjectOf, object, required, type TypeOf, text, unneeded } from './field.js';

// Istio 1.27 networking/v1alpha3/gateway.proto, field by field.

const aName = 'nothing else refers to it';

const serverPort = object({
  number: required(port),
  protocol: required(nonEmpty),
  name: unneeded(aName, text()),
  targetPort: ignored('requests are known by the port that they are for', port),
});

const server = object({
  name: unneeded(aName, text()),
  port: required(serverPort),
  hosts: required(list(text(hostProblem), 1)),
  bind: ignored('the process itself decides where it listens', text()),
  tls: ignored('connections of clients end at the platform or at the process, not in the mesh', anything),
  defaultEndpoint: ignored('requests that no rule is for are not found', text()),
});

const spec = object({ servers: required(list(server, 1)), selector: labels });

export const gatewayFields = { spec: required(spec) };

export type Gateway = ObjectOf<typeof gatewayFields>;
export type GatewayServer = TypeOf<typeof server>;

/** `host`, or `namespace/host` with `*` for any namespace and `.` for the Gateway's own. */
function hostProblem(value: string): string | undefined {
  const slash = value.indexOf('/');
  const namespace = slash < 0 ? '*' : value.slice(0, slash);
  if (namespace !== '*' && namespace !== '.') {
    const problem = problemOf(namespaceName, namespace);
    if (problem !== undefined) return problem;
  }
  return problemOf(host, value.slice(slash + 1));
}

function problemOf(field: typeof host, value: string): string | undefined {
  return field.kind === 'text' ? field.check?.(value) : undefined;
}
