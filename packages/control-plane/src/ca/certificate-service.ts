import { create } from '@bufbuild/protobuf';
import { type Server, type ServerUnaryCall, type sendUnaryData, status } from '@grpc/grpc-js';
import {
  type IstioCertificateRequest,
  type IstioCertificateResponse,
  IstioCertificateResponseSchema,
} from '@inmesh/xds/messages';
import { certificateService } from '@inmesh/xds/server';
import type { Logger } from '../logger.js';
import { provenIdentity } from './authenticate-calls.js';
import type { CertificateAuthority, SigningResult } from './authority.js';
import type { IdentityLimit } from './identity-limit.js';

type SigningRefusal = Extract<SigningResult, { ok: false }>['reason'];
export type CertificateOutcome = 'issued' | 'rate_limited' | 'error' | SigningRefusal;

export interface CertificateServiceOptions {
  readonly authority: CertificateAuthority;
  readonly limit: IdentityLimit;
  readonly logger: Logger;
  readonly count: (outcome: CertificateOutcome) => void;
}

type Call = ServerUnaryCall<IstioCertificateRequest, IstioCertificateResponse>;
type Outcome = { readonly response: IstioCertificateResponse } | Refused;
interface Refused {
  readonly code: status;
  readonly details: string;
  readonly outcome: CertificateOutcome;
}

const codes: Readonly<Record<SigningRefusal, status>> = {
  bad_csr: status.INVALID_ARGUMENT,
  other_identity: status.PERMISSION_DENIED,
  authority_expired: status.FAILED_PRECONDITION,
};

/** `istio.v1.auth.IstioCertificateService`, for istio-agents and the SDK. Its port has authenticated the caller. */
export function addCertificateService(server: Pick<Server, 'addService'>, options: CertificateServiceOptions): void {
  server.addService(certificateService, {
    createCertificate: (call: Call, callback: sendUnaryData<IstioCertificateResponse>) => {
      void answer(call, options).then((outcome) => {
        if ('response' in outcome) callback(null, outcome.response);
        else callback({ code: outcome.code, details: outcome.details });
      });
    },
  });
}

async function answer(call: Call, options: CertificateServiceOptions): Promise<Outcome> {
  const { logger, count } = options;
  const outcome = await createCertificate(call, options).catch((error: unknown): Refused => {
    logger.error('a certificate cannot be made', { problem: (error as Error).message });
    return { code: status.INTERNAL, details: 'the certificate cannot be made', outcome: 'error' };
  });
  if ('response' in outcome) count('issued');
  else {
    count(outcome.outcome);
    const identity = provenIdentity(call.metadata)?.spiffeId;
    const { outcome: reason, details: detail } = outcome;
    logger.warn('a certificate is refused', { reason, detail, identity, peer: call.getPeer() });
  }
  return outcome;
}

async function createCertificate(call: Call, { authority, limit }: CertificateServiceOptions): Promise<Outcome> {
  const identity = provenIdentity(call.metadata);
  if (identity === undefined) {
    const details = 'this port does not ask callers who they are, so it gives no certificates';
    return { code: status.UNAUTHENTICATED, details, outcome: 'error' };
  }
  if (!limit.take(identity.spiffeId)) {
    const details = `${identity.spiffeId} asks for too many certificates: try again later`;
    return { code: status.RESOURCE_EXHAUSTED, details, outcome: 'rate_limited' };
  }
  const { csr, validityDuration } = call.request;
  const signed = await authority.sign(csr, identity, msOf(validityDuration));
  if (!signed.ok) return { code: codes[signed.reason], details: signed.detail, outcome: signed.reason };
  // Istio's agents take the last one for all roots.
  const certChain = [...signed.chain, signed.roots.join('')];
  return { response: create(IstioCertificateResponseSchema, { certChain }) };
}

/** What is too long is cut by the authority; beyond what a double holds exactly it makes no difference. */
function msOf(seconds: bigint): number {
  return seconds > 0n ? Number(seconds) * 1000 : 0;
}
