import { nonEmpty } from './checks.js';
import { checked, ignored, list, map, type ObjectOf, object, oneOf, required, type TypeOf, text } from './field.js';

// Gateway API 1.6 apis/v1/backendtlspolicy_types.go; v1alpha3 is of the same shape.

const namePattern = /^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*$/;
const addressPattern = /^\d+(?:\.\d+){3}$/;

function nameProblem(value: string): string | undefined {
  if (addressPattern.test(value)) return `"${value}" is an IP address: a host name is compared with the certificate`;
  return namePattern.test(value) ? undefined : `"${value}" is no host name in lower case`;
}

/** Sent as SNI, so it stands for one host. */
const preciseName = text(nameProblem);

/** May begin with `*.`, as names in certificates do. */
const certificateName = text((value) => (value === '' ? undefined : nameProblem(value.replace(/^\*\./, ''))));

const absoluteUri = text((value) =>
  value === '' || /^[a-zA-Z][a-zA-Z0-9+.-]*:.+$/.test(value) ? undefined : `"${value}" has no scheme, as spiffe:// is`,
);

const targetRef = object({
  group: required(text()),
  kind: required(nonEmpty),
  name: required(nonEmpty),
  sectionName: text(),
});

const caCertificateRef = object({ group: required(text()), kind: required(nonEmpty), name: required(nonEmpty) });

const subjectAltName = object({
  type: required(oneOf('Hostname', 'URI')),
  hostname: certificateName,
  uri: absoluteUri,
});

const validation = object({
  caCertificateRefs: list(caCertificateRef),
  /** Empty is the same as absent. */
  wellKnownCACertificates: oneOf('System', ''),
  hostname: required(preciseName),
  subjectAltNames: list(subjectAltName),
});

const spec = object({
  targetRefs: required(list(targetRef, 1)),
  validation: required(validation),
  options: ignored('connections are made with the TLS versions and ciphers of the mesh', map(text())),
});

export const backendTlsPolicyFields = { spec: required(spec) };

/** `data["ca.crt"]` alone is looked at, and only where a BackendTLSPolicy names the ConfigMap. */
export const configMapFields = { data: checked<unknown>(() => undefined) };

export type BackendTlsPolicy = ObjectOf<typeof backendTlsPolicyFields>;
export type TargetRef = TypeOf<typeof targetRef>;
export type CaCertificateRef = TypeOf<typeof caCertificateRef>;
export type TlsValidation = TypeOf<typeof validation>;
export type ConfigMap = ObjectOf<typeof configMapFields>;
