import { Client, credentials } from '@grpc/grpc-js';
import { method, request } from '../grpc-method.js';
import { meshOf } from './mesh.js';
import type { SendRequest, Suite, Variant } from './variant.js';

const asItIs = (bytes: Buffer) => bytes;

function unary(client: Client): SendRequest {
  return () =>
    new Promise((resolve, reject) => {
      client.makeUnaryRequest(method, asItIs, asItIs, request, (error) => (error === null ? resolve() : reject(error)));
    });
}

const raw: Variant = async ({ port }) => unary(new Client(`127.0.0.1:${port}`, credentials.createInsecure()));

const meshChannel: Variant = async ({ port }) => {
  const mesh = await meshOf(port);
  const channelOverride = mesh.grpc.channel('reviews:9080');
  return unary(new Client('reviews:9080', credentials.createInsecure(), { channelOverride }));
};

export const grpc: Suite = {
  baseline: 'a raw grpc-js unary call',
  backend: 'grpc',
  variants: { 'raw-grpc': raw, 'raw-grpc-again': raw, 'mesh-channel': meshChannel },
};
