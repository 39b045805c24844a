import { fromBinary } from '@bufbuild/protobuf';
import type { Any } from '@bufbuild/protobuf/wkt';
import {
  type CertificateValidationContext,
  type DataSource,
  type Secret,
  SecretSchema,
  SPIFFECertValidatorConfigSchema,
} from '../../messages.js';
import { anyIs } from '../../resources/unpack-any.js';

/** What a secret of SDS says, as texts of PEM. */
export type ReceivedSecret =
  | { readonly kind: 'certificate'; readonly chain: string; readonly key: string }
  /** Those of the trust domain of the certificate. */
  | { readonly kind: 'authorities'; readonly text: string }
  /** By trust domain, as SPIRE has them for Envoy's SPIFFE validator. */
  | { readonly kind: 'domains'; readonly texts: ReadonlyMap<string, string> };

/** @throws Error that names the field, and shows nothing of a value */
export function readSecret(resource: Any): { readonly name: string; readonly secret: ReceivedSecret } {
  if (!anyIs(resource, SecretSchema)) throw new Error(`should be a Secret, is "${resource.typeUrl}"`);
  const message = fromBinary(SecretSchema, resource.value);
  try {
    return { name: message.name, secret: secretContent(message) };
  } catch (error) {
    throw new Error(`${message.name}: ${(error as Error).message}`);
  }
}

/** @throws Error that names the field, and shows nothing of a value */
export function secretContent({ type }: Secret): ReceivedSecret {
  switch (type.case) {
    case 'tlsCertificate':
      return {
        kind: 'certificate',
        chain: inline(type.value.certificateChain, 'tls_certificate.certificate_chain'),
        key: inline(type.value.privateKey, 'tls_certificate.private_key'),
      };
    case 'validationContext':
      return trustOf(type.value);
    default:
      throw new Error(`has ${type.case ?? 'nothing'}, neither tls_certificate nor validation_context`);
  }
}

function trustOf({ trustedCa, customValidatorConfig, crl }: CertificateValidationContext): ReceivedSecret {
  // Without a look at it, certificates that were revoked would be taken.
  if (crl !== undefined) throw new Error('validation_context.crl is not supported: leave the list (ca.crl) out');
  const config = customValidatorConfig?.typedConfig;
  if (config === undefined) return { kind: 'authorities', text: inline(trustedCa, 'validation_context.trusted_ca') };
  if (!anyIs(config, SPIFFECertValidatorConfigSchema)) {
    throw new Error(`validation_context.custom_validator_config: "${config.typeUrl}" is unknown`);
  }
  const { trustDomains } = fromBinary(SPIFFECertValidatorConfigSchema, config.value);
  return {
    kind: 'domains',
    texts: new Map(trustDomains.map(({ name, trustBundle }) => [name, inline(trustBundle, `trust_domains ${name}`)])),
  };
}

function inline(source: DataSource | undefined, field: string): string {
  const { specifier } = source ?? {};
  if (specifier?.case === 'inlineBytes') return Buffer.from(specifier.value).toString('utf8');
  if (specifier?.case === 'inlineString') return specifier.value;
  throw new Error(`${field} should be inline`);
}
