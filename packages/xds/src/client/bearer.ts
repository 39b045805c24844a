import { Metadata } from '@grpc/grpc-js';

/** @throws Error that shows nothing of the token; that of gRPC would quote it */
export function bearerMetadata(token: string): Metadata {
  const metadata = new Metadata();
  try {
    metadata.set('authorization', `Bearer ${token}`);
  } catch {
    throw new Error('the token is not one line of visible ASCII, so it cannot be sent');
  }
  return metadata;
}
