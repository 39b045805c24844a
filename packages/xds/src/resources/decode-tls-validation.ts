import type { StringMatcher as StringMatcherModel, TrustSource } from '@inmesh/core';
import {
  type CertificateValidationContext,
  type CommonTlsContext,
  SubjectAltNameMatcher_SanType as SanType,
  type SdsSecretConfig,
  type SubjectAltNameMatcher,
  CertificateValidationContext_TrustChainVerification as Verification,
} from '../messages.js';
import { decodeStringMatcher } from './decode-string-matcher.js';
import { fileOf, trustNamed } from './decode-tls-sources.js';
import type { FieldScope } from './field-scope.js';
import { reportUnsupported } from './field-support.js';

export interface Validation {
  /** Undefined: no authority is named. */
  readonly trust: TrustSource | undefined;
  readonly subjectAltNames: readonly StringMatcherModel[];
  readonly dnsNames: readonly string[];
  readonly skipVerify: boolean;
}

const nothingAsked: Validation = { trust: undefined, subjectAltNames: [], dnsNames: [], skipVerify: false };

/** How the other side's certificate is verified. Undefined always goes with an error. */
export function decodeValidation(
  { validationContextType: type }: CommonTlsContext,
  at: FieldScope,
): Validation | undefined {
  switch (type.case) {
    case 'validationContext':
      return decodeContext(type.value, at.field('validation_context'));
    case 'validationContextSdsSecretConfig': {
      const trust = decodeSecret(type.value, at.field('validation_context_sds_secret_config'));
      return trust && { ...nothingAsked, trust };
    }
    case 'combinedValidationContext': {
      const scope = at.field('combined_validation_context');
      reportUnsupported(type.value, scope);
      const { defaultValidationContext: context, validationContextSdsSecretConfig: secret } = type.value;
      const asked = context ? decodeContext(context, scope.field('default_validation_context')) : nothingAsked;
      const secretScope = scope.field('validation_context_sds_secret_config');
      const trust = secret ? decodeSecret(secret, secretScope) : secretScope.error('is missing');
      if (asked?.trust !== undefined) return scope.error('names authorities twice');
      return asked && trust && { ...asked, trust };
    }
    case undefined:
      return nothingAsked;
    default:
      return undefined;
  }
}

function decodeSecret(message: SdsSecretConfig, at: FieldScope): TrustSource | undefined {
  reportUnsupported(message, at);
  return trustNamed(message.name, at.field('name'));
}

function decodeContext(message: CertificateValidationContext, at: FieldScope): Validation | undefined {
  reportUnsupported(message, at);
  const trusted = decodeTrust(message, at);
  const typed = at.each('match_typed_subject_alt_names', message.matchTypedSubjectAltNames, decodeTyped);
  const subjectAltNames = [
    ...typed.flatMap((one) => (typeof one === 'string' ? [] : one)),
    ...at.each('match_subject_alt_names', message.matchSubjectAltNames, decodeStringMatcher),
  ];
  const dnsNames = typed.filter((one) => typeof one === 'string');
  const skipVerify = message.trustChainVerification === Verification.ACCEPT_UNTRUSTED;
  return { trust: trusted, subjectAltNames, dnsNames, skipVerify };
}

function decodeTrust(message: CertificateValidationContext, at: FieldScope): TrustSource | undefined {
  const { trustedCa, systemRootCerts, caCertificateProviderInstance: instance } = message;
  if ([trustedCa, systemRootCerts, instance].filter((source) => source !== undefined).length > 1) {
    return at.error('names authorities twice');
  }
  if (systemRootCerts !== undefined) return { kind: 'system' };
  if (trustedCa !== undefined) {
    const authorities = fileOf(trustedCa, at.field('trusted_ca'));
    return authorities === undefined ? undefined : { kind: 'file', authorities };
  }
  if (instance === undefined) return undefined;
  const scope = at.field('ca_certificate_provider_instance');
  reportUnsupported(instance, scope);
  if (instance.instanceName === 'default') return { kind: 'workload' };
  return scope.field('instance_name').error('is unknown: "default" is the trust of the mesh');
}

/** A DNS name to the letter is compared as clients compare hosts (Envoy `DnsExactStringSanMatcher`): a text, then. */
function decodeTyped(message: SubjectAltNameMatcher, at: FieldScope): StringMatcherModel | string | undefined {
  reportUnsupported(message, at);
  const { sanType, matcher } = message;
  if (sanType !== SanType.URI && sanType !== SanType.DNS) return at.field('san_type').error('should be URI or DNS');
  if (matcher === undefined) return at.field('matcher').error('is missing');
  const { matchPattern: pattern } = matcher;
  if (sanType === SanType.DNS && pattern.case === 'exact') return pattern.value.toLowerCase();
  return decodeStringMatcher(matcher, at.field('matcher'));
}
