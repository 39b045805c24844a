import { labels, nonEmpty, port } from './checks.js';
import { anything, ignored, list, type ObjectOf, object, oneOf, required, text, unneeded } from './field.js';

// Istio 1.27 networking/v1alpha3/sidecar.proto, field by field.

const noProxy = 'there is no proxy to capture calls';

const egressHost = text((value) =>
  /^(?:\*|\.|~|[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)\/(?:\*|(?:\*\.)?[a-zA-Z0-9_](?:[-a-zA-Z0-9_.]*[a-zA-Z0-9_])?)$/.test(
    value,
  )
    ? undefined
    : `"${value}" is not of the form namespace/host, such as ./* or */*.example.com`,
);

const ofService = 'the port of the Service has its own';

const egress = object({
  port: object({
    number: port,
    protocol: unneeded(ofService, text()),
    name: unneeded(ofService, text()),
    targetPort: unneeded(ofService, port),
  }),
  bind: ignored(noProxy, text()),
  captureMode: ignored(noProxy, oneOf('DEFAULT', 'IPTABLES', 'NONE')),
  hosts: required(list(egressHost, 1)),
});

const spec = object({
  workloadSelector: object({ labels }),
  ingress: ignored('requests come to the service directly', anything),
  egress: list(egress),
  inboundConnectionPool: ignored('requests come to the service directly', anything),
  outboundTrafficPolicy: object({
    mode: oneOf('REGISTRY_ONLY', 'ALLOW_ANY'),
    egressProxy: ignored(
      'unknown hosts are called directly',
      object({ host: nonEmpty, subset: text(), port: anything }),
    ),
  }),
});

/** A Sidecar without a spec is one with the defaults. */
export const sidecarFields = { spec };

export type Sidecar = ObjectOf<typeof sidecarFields>;
