import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeCertificate } from '../../support/certificates.js';

/** Names of files; all of them hold PEM but the tokens. */
export interface ServerCredentials {
  readonly caFile: string;
  readonly certificateFile: string;
  readonly keyFile: string;
  readonly serviceAccountKeyFile: string;
  readonly tokensFile: string;
  /** PEM. */
  readonly ca: string;
  /** A bearer of it may do all. */
  readonly adminToken: string;
}

/** Makes what an API server on loopback needs to be believed, and to know its administrator, in `folder`. */
export function makeCredentials(folder: string): ServerCredentials {
  const write = (name: string, content: string) => {
    const file = join(folder, name);
    writeFileSync(file, content, { mode: 0o600 });
    return file;
  };
  const root = makeCertificate({ hosts: ['kubernetes-ca'], isCa: true, keyUsage: ['keyCertSign', 'cRLSign'] });
  const serving = makeCertificate({
    hosts: ['kubernetes', 'kubernetes.default.svc', 'localhost', '127.0.0.1'],
    keyUsage: ['digitalSignature'],
    extendedKeyUsage: ['serverAuth'],
    issuer: { hosts: ['kubernetes-ca'], keyObject: root.keyObject },
  });
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const adminToken = randomBytes(24).toString('hex');
  return {
    caFile: write('ca.pem', root.certificate),
    certificateFile: write('server.pem', serving.certificate),
    keyFile: write('server-key.pem', serving.key),
    serviceAccountKeyFile: write('service-account.pem', privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()),
    tokensFile: write('tokens.csv', `${adminToken},admin,admin,system:masters\n`),
    ca: root.certificate,
    adminToken,
  };
}
