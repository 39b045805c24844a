import { createHash, timingSafeEqual } from 'node:crypto';
import { type Authenticator, refuse, workloadIdentity } from './authenticator.js';

/**
 * `SECRET~NAMESPACE~SERVICE-ACCOUNT`: whoever has the secret is whom it says. For `inmesh dev`, where one user runs all
 * workloads.
 */
export function sharedSecret(secret: string, trustDomain: string): Authenticator {
  const expected = digest(secret);
  return {
    name: 'shared secret',
    authenticate: async ({ bearer }) => {
      if (bearer === undefined) return undefined;
      const [given = '', namespace = '', serviceAccount = '', ...more] = bearer.split('~');
      const identity = workloadIdentity(trustDomain, namespace, serviceAccount);
      const isRight = timingSafeEqual(digest(given), expected);
      if (!isRight || identity === undefined || more.length > 0) return refuse('bad_token', 'the token is not known');
      return { ok: true, identity, by: 'token' };
    },
  };
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
