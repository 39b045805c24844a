import { host, labels, nonEmpty, port } from './checks.js';
import { ignored, integer, list, map, type ObjectOf, object, oneOf, required, type TypeOf, text } from './field.js';

// Istio 1.27 networking/v1alpha3/{service_entry,workload_entry}.proto, field by field.

const workloadFields = {
  address: text(),
  ports: map(port),
  labels,
  network: ignored('the endpoint is called directly, not by way of a gateway', text()),
  /** `region/zone/subzone`. */
  locality: text(),
  weight: integer(0),
  serviceAccount: text(),
};

const endpoint = object(workloadFields);

const entryPort = object({
  number: required(port),
  name: text(),
  /** Upper and lower case alike; told apart in `translate/protocol.ts`. */
  protocol: text(),
  targetPort: port,
});

const spec = object({
  hosts: required(list(host, 1)),
  ports: list(entryPort),
  resolution: oneOf('NONE', 'STATIC', 'DNS', 'DNS_ROUND_ROBIN', 'DYNAMIC_DNS'),
  endpoints: list(endpoint),
  workloadSelector: object({ labels }),
  location: oneOf('MESH_EXTERNAL', 'MESH_INTERNAL'),
  addresses: ignored('calls are routed by host name, not by address', list(text())),
  subjectAltNames: list(nonEmpty),
  exportTo: list(nonEmpty),
});

export const serviceEntryFields = { spec: required(spec) };

export const workloadEntryFields = { spec: required(endpoint) };

export type ServiceEntry = ObjectOf<typeof serviceEntryFields>;
export type WorkloadEntry = ObjectOf<typeof workloadEntryFields>;
export type Workload = TypeOf<typeof endpoint>;
export type EntryPort = TypeOf<typeof entryPort>;
