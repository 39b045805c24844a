import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { type ChannelCredentials, credentials as grpcCredentials } from '@grpc/grpc-js';
import type { Logger } from '../../logger.js';
import type { ChannelCredentialsConfig, ClientIdentity, TlsCredentialsConfig } from '../server-config.js';

/**
 * What each connection is made with. The files of TLS are read for every one of them, which is fresher than any interval;
 * in the middle of a rotation, when they do not fit together, those that did last are used.
 * @param identity what of the client's own is shown to servers that are to know it
 * @returns a function that throws when there are none that can be used; nothing ever goes in the clear instead
 */
export function credentialsReader(
  config: ChannelCredentialsConfig,
  logger: Logger,
  identity?: (() => ClientIdentity | undefined) | undefined,
): () => ChannelCredentials {
  if (config.kind === 'insecure') return () => grpcCredentials.createInsecure();
  if (config.kind === 'identity') return () => identityCredentials(identity?.());
  let lastGood: ChannelCredentials | undefined;
  return () => {
    try {
      lastGood = readTls(config);
    } catch (cause) {
      if (lastGood === undefined) throw cause;
      const { message } = cause as Error;
      logger.warn('certificates cannot be used: going on with the last good ones', { error: message });
    }
    return lastGood;
  };
}

function identityCredentials(identity: ClientIdentity | undefined): ChannelCredentials {
  if (identity === undefined) throw new Error('this workload has no certificate yet to show to the config server');
  const { chain, key, roots } = identity;
  return grpcCredentials.createSsl(Buffer.from(roots), Buffer.from(key), Buffer.from(chain));
}

function readTls({ caCertificateFile, certificateFile, privateKeyFile }: TlsCredentialsConfig): ChannelCredentials {
  const ca = caCertificateFile === undefined ? null : readCertificate('ca_certificate_file', caCertificateFile);
  if (certificateFile === undefined || privateKeyFile === undefined) return grpcCredentials.createSsl(ca);
  const certificate = readCertificate('certificate_file', certificateFile);
  const key = read('private_key_file', privateKeyFile);
  try {
    return grpcCredentials.createSsl(ca, key, certificate);
  } catch (cause) {
    throw new Error(`${certificateFile} and ${privateKeyFile}: ${(cause as Error).message}`, { cause });
  }
}

/** A bundle without any certificate would be taken without a word, and then nothing would be trusted. */
function readCertificate(field: string, path: string): Buffer {
  const pem = read(field, path);
  try {
    new X509Certificate(pem);
  } catch (cause) {
    throw new Error(`${field}: ${path} holds no certificate`, { cause });
  }
  return pem;
}

function read(field: string, path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (cause) {
    throw new Error(`${field}: ${(cause as Error).message}`, { cause });
  }
}
