import type { KubernetesClient } from '../kubernetes/client/client.js';
import type { Authenticator } from './authenticators/authenticator.js';
import { keySetTokens } from './authenticators/key-set-tokens.js';
import { peerCertificate } from './authenticators/peer-certificate.js';
import { sharedSecret } from './authenticators/shared-secret.js';
import { staticTokenFile, staticTokens } from './authenticators/static-tokens.js';
import { tokenReview } from './authenticators/token-review.js';
import { type CaOptions, defaultCaOptions } from './ca-options.js';

/** The ways to prove an identity that the options name; a certificate of this mesh is always one. */
export function chooseAuthenticators(
  options: CaOptions,
  trustDomain: string,
  { now, kubernetes }: { readonly now: () => number; readonly kubernetes?: KubernetesClient | undefined },
): Authenticator[] {
  const { keySet, tokenFile, tokens, sharedSecret: secret, audiences = defaultCaOptions.audiences } = options;
  // Who gives the keys of the cluster does not want it to be asked.
  const reviewer = options.cluster !== undefined || keySet === undefined ? kubernetes : undefined;
  return [
    peerCertificate(trustDomain, now),
    ...(tokens === undefined ? [] : [staticTokens(tokens)]),
    ...(secret === undefined ? [] : [sharedSecret(secret, trustDomain)]),
    ...(tokenFile === undefined ? [] : [staticTokenFile(tokenFile, trustDomain)]),
    ...(keySet === undefined ? [] : [keySetTokens({ ...keySet, audiences, trustDomain, now })]),
    ...(reviewer === undefined ? [] : [tokenReview({ client: reviewer, audiences, trustDomain })]),
  ];
}
