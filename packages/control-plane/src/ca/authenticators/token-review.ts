import type { KubernetesClient } from '../../kubernetes/client/client.js';
import { type Authentication, type Authenticator, refuse, serviceAccountOf } from './authenticator.js';

export interface TokenReviewOptions {
  readonly client: Pick<KubernetesClient, 'ask'>;
  /** Asked for, and looked for in the answer: a token for something else must not buy a certificate. */
  readonly audiences: readonly string[];
  readonly trustDomain: string;
}

const path = '/apis/authentication.k8s.io/v1/tokenreviews';

/** Service account tokens, judged by the Kubernetes API server (TokenReview). */
export function tokenReview({ client, audiences, trustDomain }: TokenReviewOptions): Authenticator {
  return {
    name: 'TokenReview',
    authenticate: async ({ bearer: token }) => {
      if (token === undefined) return undefined;
      const review = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec: { token, audiences } };
      try {
        return judge(await client.ask({ method: 'POST', path, body: review }), audiences, trustDomain);
      } catch (error) {
        return refuse('unavailable', `the API server does not judge the token: ${(error as Error).message}`);
      }
    },
  };
}

interface Review {
  readonly status?: {
    readonly authenticated?: unknown;
    readonly audiences?: unknown;
    readonly user?: { readonly username?: unknown };
  };
}

function judge(answer: unknown, audiences: readonly string[], trustDomain: string): Authentication {
  const { status } = (answer ?? {}) as Review;
  if (status?.authenticated !== true) {
    return refuse('bad_token', 'the API server does not know the token, or not for this audience');
  }
  // An API server that knows no audiences leaves them out, and then its yes is for itself (Kubernetes, TokenReviewStatus).
  const granted = Array.isArray(status.audiences) ? status.audiences : [];
  if (!granted.some((audience) => audiences.includes(audience))) {
    return refuse('wrong_audience', `the token is not for ${audiences.join(', ')}`);
  }
  const identity = serviceAccountOf(trustDomain, status.user?.username);
  return identity === undefined
    ? refuse('bad_token', 'the token is not of a service account')
    : { ok: true, identity, by: 'token' };
}
