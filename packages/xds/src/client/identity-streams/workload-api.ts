import { create } from '@bufbuild/protobuf';
import { Client, credentials, Metadata, type StatusObject } from '@grpc/grpc-js';
import { workloadApiService } from '../../grpc/workload-api-service.js';
import { X509SVIDRequestSchema, type X509SVIDResponse } from '../../messages.js';
import { type IdentityStream, type IdentityStreamHandlers, workloadApiEnd } from './stream-end.js';

export type { X509SVID, X509SVIDResponse } from '../../messages.js';

/** Without it a Workload API answers INVALID_ARGUMENT (SPIFFE_Workload_Endpoint.md 3). */
const securityHeader = 'workload.spiffe.io';

/** No answer with a few federated domains is anywhere near. */
const maxMessageBytes = 8 * 1024 * 1024;

/**
 * Fetches X.509-SVIDs for as long as the stream lasts. The endpoint proves the caller by how it connects, so nothing is
 * shown, and nothing is encrypted.
 * @param target of gRPC, e.g. `unix:/run/spire/agent.sock` or `ipv4:127.0.0.1:8081`
 */
export function streamWorkloadApi(target: string, handlers: IdentityStreamHandlers<X509SVIDResponse>): IdentityStream {
  const client = new Client(target, credentials.createInsecure(), {
    // A connection of its own, on which grpc-js has no back-off of its own; and never by way of a proxy.
    ...{ 'grpc.use_local_subchannel_pool': 1, 'grpc.enable_retries': 0, 'grpc.enable_http_proxy': 0 },
    ...{ 'grpc.service_config_disable_resolution': 1, 'grpc.max_receive_message_length': maxMessageBytes },
  });
  const metadata = new Metadata();
  metadata.set(securityHeader, 'true');
  const { path, requestSerialize, responseDeserialize } = workloadApiService.fetchX509Svid;
  const request = create(X509SVIDRequestSchema);
  const call = client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, request, metadata);
  let isClosed = false;
  const close = () => {
    isClosed = true;
    call.cancel();
    client.close();
  };
  call.on('data', (message: X509SVIDResponse) => {
    if (!isClosed) handlers.onMessage(() => message);
  });
  // What went wrong comes with the status too; without a listener it would be thrown.
  call.on('error', () => {});
  call.on('status', (status: StatusObject) => {
    if (isClosed) return;
    close();
    handlers.onEnd(workloadApiEnd(status));
  });
  return { close };
}
