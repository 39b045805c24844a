import type { CertificateAuthority } from './authority.js';
import type { CaOptions } from './ca-options.js';
import type { CertificateOutcome } from './certificate-service.js';
import { defaultIdentityLimit, IdentityLimit } from './identity-limit.js';
import type { Patience } from './keep-trying.js';
import { type AuthorityTools, openAuthority } from './open-authority.js';
import { WorkloadSecrets } from './secrets/workload-secrets.js';

/** Who gives identities, by whichever protocol they are asked for. */
export interface Identities {
  readonly authority: CertificateAuthority;
  readonly limit: IdentityLimit;
  readonly secrets: WorkloadSecrets;
  close(): void;
}

/** @throws Error that says what is wrong with the folder of the authority, and how it is mended */
export async function openIdentities(
  ca: CaOptions,
  tools: AuthorityTools & { readonly count: (outcome: CertificateOutcome) => void },
  patience: Patience,
): Promise<Identities> {
  const authority = await openAuthority(ca, tools, patience);
  const limit = new IdentityLimit({ ...defaultIdentityLimit, ...ca.limit, now: tools.clock.now });
  const validityMs = ca.sdsValidityMs ?? 0;
  const secrets = new WorkloadSecrets({ ...tools, authority, limit, validityMs, random: Math.random });
  const close = () => {
    secrets.close();
    authority.close();
  };
  return { authority, limit, secrets, close };
}
