import { X509Certificate } from 'node:crypto';
import {
  type Metadata,
  ResponderBuilder,
  ServerInterceptingCall,
  type ServerInterceptor,
  ServerListenerBuilder,
  status,
} from '@grpc/grpc-js';
import type { PeerIdentity } from '@inmesh/core';
import type { Logger } from '../logger.js';
import type { Authentication, Credentials, RefusalReason } from './authenticators/authenticator.js';

export interface CallAuthentication {
  readonly authenticate: (credentials: Credentials) => Promise<Authentication>;
  readonly logger: Logger;
  readonly countRefusal: (reason: RefusalReason) => void;
}

/** By the metadata object of the call, which its handler is given and no client can make. */
const proven = new WeakMap<Metadata, PeerIdentity>();

/** Whom the caller has proved to be. Undefined on a port where nobody is asked. */
export function provenIdentity(metadata: Metadata): PeerIdentity | undefined {
  return proven.get(metadata);
}

/** Lets no call of any service through before its caller has proved who it is. */
export function authenticateCalls({ authenticate, logger, countRefusal }: CallAuthentication): ServerInterceptor {
  return (method, call) => {
    const check = async (metadata: Metadata, next: (metadata: Metadata) => void): Promise<void> => {
      const certificate = call.getAuthContext().sslPeerCertificate;
      const answer = await authenticate({
        bearer: bearerOf(metadata),
        certificate: certificate && new X509Certificate(certificate.raw),
      });
      if (answer.ok) {
        proven.set(metadata, answer.identity);
        next(metadata);
        return;
      }
      const { reason, detail } = answer;
      countRefusal(reason);
      logger.warn('a caller has not proved who it is', { reason, detail, method: method.path, peer: call.getPeer() });
      call.sendStatus({
        code: reason === 'unavailable' ? status.UNAVAILABLE : status.UNAUTHENTICATED,
        details: detail,
      });
    };
    const listener = new ServerListenerBuilder()
      .withOnReceiveMetadata((metadata, next) => void check(metadata, next))
      .build();
    return new ServerInterceptingCall(call, new ResponderBuilder().withStart((next) => next(listener)).build());
  };
}

/** One token in one header: of several, another reader might take another. */
function bearerOf(metadata: Metadata): string | undefined {
  const values = metadata.get('authorization');
  if (values.length !== 1) return undefined;
  return /^bearer +(\S+)$/i.exec(String(values[0]))?.[1];
}
