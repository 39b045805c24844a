import { create } from '@bufbuild/protobuf';
import { Client, credentials, Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { certificateService } from '../grpc/certificate-service.js';
import { IstioCertificateRequestSchema, type IstioCertificateResponse } from '../messages.js';
import { bearerMetadata } from './bearer.js';

/** How the caller proves who it is. */
export type CertificateCredentials =
  | { readonly kind: 'token'; readonly token: string }
  /** PEM. */
  | { readonly kind: 'certificate'; readonly chain: string; readonly key: string };

export interface CertificateRequest {
  /** `host:port` of an `istio.v1.auth.IstioCertificateService`. */
  readonly authority: string;
  /** PEM; one of them must have signed the server's certificate. */
  readonly roots: string;
  readonly credentials: CertificateCredentials;
  /** PEM. */
  readonly csr: string;
  /** Default: whatever the server likes. */
  readonly validitySeconds?: number | undefined;
  readonly timeoutMs: number;
}

/**
 * Asks for a certificate. Returns PEM texts: the leaf, intermediates, and last all roots in one.
 * @throws Error that says why there is none, and shows nothing of the credentials
 */
export async function requestCertificate(request: CertificateRequest): Promise<readonly string[]> {
  const { authority, roots, credentials: own, csr, validitySeconds = 0, timeoutMs } = request;
  const pair = own.kind === 'certificate' ? ([Buffer.from(own.key), Buffer.from(own.chain)] as const) : [null, null];
  const metadata = own.kind === 'token' ? bearerMetadata(own.token) : new Metadata();
  const channel = credentials.createSsl(Buffer.from(roots), ...pair);
  // A channel of its own: another one's connection would go on with the certificate before.
  const client = new Client(authority, channel, { 'grpc.use_local_subchannel_pool': 1, 'grpc.enable_retries': 0 });
  const message = create(IstioCertificateRequestSchema, { csr, validityDuration: BigInt(validitySeconds) });
  const { path, requestSerialize, responseDeserialize } = certificateService.createCertificate;
  try {
    const response = await new Promise<IstioCertificateResponse | undefined>((resolve, reject) => {
      const options = { deadline: Date.now() + timeoutMs };
      client.makeUnaryRequest(
        path,
        requestSerialize,
        responseDeserialize,
        message,
        metadata,
        options,
        (error, answer) => {
          if (error === null) resolve(answer);
          else reject(explain(error, authority));
        },
      );
    });
    return response?.certChain ?? [];
  } finally {
    client.close();
  }
}

function explain({ code, details }: ServiceError, authority: string): Error {
  return new Error(`${authority} gives no certificate: ${status[code]} ${details}`);
}
