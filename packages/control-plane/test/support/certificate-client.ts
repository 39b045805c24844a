import { create } from '@bufbuild/protobuf';
import { type CallOptions, Client, credentials, Metadata, type ServiceError } from '@grpc/grpc-js';
import { certificateService } from '@inmesh/xds/client';
import {
  type IstioCertificateRequest,
  IstioCertificateRequestSchema,
  type IstioCertificateResponse,
} from '@inmesh/xds/messages';

/** What an agent has in its hands. */
export interface AgentCredentials {
  readonly token?: string | undefined;
  /** PEM. */
  readonly certificate?: { readonly chain: string; readonly key: string } | undefined;
}

/** Asks as an istio-agent does. Rejects with the ServiceError. */
export async function requestCertificate(
  address: string,
  roots: readonly string[],
  { csr, validitySeconds = 0 }: { csr: string; validitySeconds?: number },
  { token, certificate }: AgentCredentials = {},
): Promise<readonly string[]> {
  const { chain, key } = certificate ?? {};
  const pair = chain === undefined ? [] : [Buffer.from(key!), Buffer.from(chain)];
  const channel = credentials.createSsl(Buffer.from(roots.join('')), ...pair);
  const client = new Client(address, channel, { 'grpc.use_local_subchannel_pool': 1 });
  const metadata = new Metadata();
  if (token !== undefined) metadata.set('authorization', `Bearer ${token}`);
  const request = create(IstioCertificateRequestSchema, { csr, validityDuration: BigInt(validitySeconds) });
  try {
    const response = await unary(client, request, metadata, { deadline: Date.now() + 10_000 });
    return response.certChain;
  } finally {
    client.close();
  }
}

function unary(
  client: Client,
  request: IstioCertificateRequest,
  metadata: Metadata,
  options: CallOptions,
): Promise<IstioCertificateResponse> {
  const { path, requestSerialize, responseDeserialize } = certificateService.createCertificate;
  return new Promise((resolve, reject) => {
    const done = (error: ServiceError | null, response?: IstioCertificateResponse) => {
      if (response === undefined) reject(error);
      else resolve(response);
    };
    client.makeUnaryRequest(path, requestSerialize, responseDeserialize, request, metadata, options, done);
  });
}
