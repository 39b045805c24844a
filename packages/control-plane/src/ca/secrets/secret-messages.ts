import { create } from '@bufbuild/protobuf';
import { ownCertificate, ownTrust } from '@inmesh/xds';
import { type Secret, SecretSchema } from '@inmesh/xds/messages';

/** @param chain PEM, the leaf first */
export function certificateSecret(chain: readonly string[], key: string): Secret {
  return create(SecretSchema, {
    name: ownCertificate,
    type: { case: 'tlsCertificate', value: { certificateChain: inline(chain.join('')), privateKey: inline(key) } },
  });
}

/** @param roots PEM, every one that is trusted */
export function trustSecret(roots: readonly string[]): Secret {
  return create(SecretSchema, {
    name: ownTrust,
    type: { case: 'validationContext', value: { trustedCa: inline(roots.join('')) } },
  });
}

function inline(text: string) {
  return { specifier: { case: 'inlineBytes', value: new TextEncoder().encode(text) } } as const;
}
