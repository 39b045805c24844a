import { IstioCertificateService } from '../messages.js';
import { methodOf } from './methods.js';

/** Istio's: a certificate signing request against a certificate. */
export const certificateService = {
  createCertificate: methodOf(IstioCertificateService.method.createCertificate),
};
