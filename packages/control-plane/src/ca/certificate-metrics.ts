import { Counter, type Registry } from 'prom-client';
import { type RefusalReason, refusalReasons } from './authenticators/authenticator.js';
import type { CertificateOutcome } from './certificate-service.js';
import type { HandshakeProblem } from './tls-listener.js';

export interface CertificateMetrics {
  countCertificate(outcome: CertificateOutcome): void;
  /** Of a caller that could not prove who it is. */
  countUnproven(reason: RefusalReason | HandshakeProblem): void;
}

/** What the certificate authority gives and refuses. */
export function certificateMetrics(registers: Registry[]): CertificateMetrics {
  const certificates = new Counter({
    name: 'inmesh_ca_certificate_requests_total',
    help: 'Certificates that callers with an identity asked for, by outcome.',
    labelNames: ['outcome'],
    registers,
  });
  const unproven = new Counter({
    name: 'inmesh_xds_unauthenticated_total',
    help: 'Calls and connections of the TLS port that were refused because the caller did not prove who it is.',
    labelNames: ['reason'],
    registers,
  });
  certificates.inc({ outcome: 'issued' }, 0);
  for (const reason of refusalReasons) unproven.inc({ reason }, 0);
  return {
    countCertificate: (outcome) => certificates.inc({ outcome }),
    countUnproven: (reason) => unproven.inc({ reason }),
  };
}
