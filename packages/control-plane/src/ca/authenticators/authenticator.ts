import type { X509Certificate } from 'node:crypto';
import { type PeerIdentity, parseSpiffeId } from '@inmesh/core';

/** What a caller brings along. */
export interface Credentials {
  /** Of `authorization: Bearer`. */
  readonly bearer: string | undefined;
  /** Of its TLS connection, where its chain leads to a trusted root. */
  readonly certificate: X509Certificate | undefined;
}

export const refusalReasons = [
  'no_credentials',
  'bad_token',
  'expired',
  'wrong_audience',
  'bad_certificate',
  'other_trust_domain',
  'unavailable',
] as const;
/** `unavailable`: who could tell cannot be reached, so the caller is to try again. */
export type RefusalReason = (typeof refusalReasons)[number];

export type Authentication =
  | { readonly ok: true; readonly identity: PeerIdentity; readonly by: string }
  | { readonly ok: false; readonly reason: RefusalReason; readonly detail: string };

/** One way to prove who one is. */
export interface Authenticator {
  /** For logs. */
  readonly name: string;
  /** Undefined: there is nothing here that it could judge. Never rejects, and shows nothing of a token. */
  authenticate(credentials: Credentials): Promise<Authentication | undefined>;
}

/** Any of them that is satisfied is enough; the refusal is that of the first that had an opinion, unless another could not ask. */
export function anyOf(authenticators: readonly Authenticator[]): (credentials: Credentials) => Promise<Authentication> {
  return async (credentials) => {
    let refusal: Authentication | undefined;
    for (const authenticator of authenticators) {
      const answer = await authenticator.authenticate(credentials);
      if (answer?.ok) return answer;
      // Who could be known a moment later is to ask again.
      if (answer?.reason === 'unavailable') refusal = answer;
      else refusal ??= answer;
    }
    return refusal ?? refuse('no_credentials', 'neither a token nor a certificate of this mesh was given');
  };
}

export function refuse(reason: RefusalReason, detail: string): Authentication {
  return { ok: false, reason, detail };
}

/** Istio's form. */
export function workloadIdentity(
  trustDomain: string,
  namespace: string,
  serviceAccount: string,
): PeerIdentity | undefined {
  const parsed = parseSpiffeId(`spiffe://${trustDomain}/ns/${namespace}/sa/${serviceAccount}`);
  return parsed.ok && parsed.identity.namespace === namespace ? parsed.identity : undefined;
}

/** Kubernetes' name of a service account: `system:serviceaccount:NS:SA`. */
export function serviceAccountOf(trustDomain: string, username: unknown): PeerIdentity | undefined {
  const [, namespace, name] = (typeof username === 'string' && serviceAccountName.exec(username)) || [];
  return namespace && name ? workloadIdentity(trustDomain, namespace, name) : undefined;
}

const serviceAccountName = /^system:serviceaccount:([^:]+):([^:]+)$/;
