import { X509Certificate } from 'node:crypto';
import { type CertificateOptions, makeCertificate, type TestCertificate } from './certificates.js';

/** What a workload is given: PEM texts. */
export interface TestIdentity {
  /** The leaf first. */
  readonly chain: string;
  readonly key: string;
  /** Who signs certificates of its trust domain. */
  readonly bundle: string;
  readonly spiffeId: string;
}

let made = 0;

/** An authority of one trust domain, made for a test. */
export class MeshAuthority {
  readonly root: TestCertificate;
  readonly #name: string;

  constructor(readonly trustDomain = 'cluster.local') {
    made += 1;
    this.#name = `root ${made}`;
    this.root = makeCertificate({ hosts: [this.#name], isCa: true, keyUsage: ['keyCertSign', 'cRLSign'] });
  }

  get bundle(): string {
    return this.root.certificate;
  }

  get issuer(): NonNullable<CertificateOptions['issuer']> {
    return { hosts: [this.#name], keyObject: this.root.keyObject };
  }

  /** A certificate of `ns/default/sa/NAME`; `options` may make it one that is to be refused. */
  issue(serviceAccount: string, options: CertificateOptions = {}): TestIdentity {
    const spiffeId = `spiffe://${this.trustDomain}/ns/default/sa/${serviceAccount}`;
    const { certificate, key } = makeCertificate({
      hosts: [`${serviceAccount}.default.svc`],
      uris: [spiffeId],
      keyUsage: ['digitalSignature', 'keyAgreement'],
      extendedKeyUsage: ['serverAuth', 'clientAuth'],
      issuer: this.issuer,
      ...options,
    });
    return { chain: certificate, key, bundle: this.bundle, spiffeId };
  }

  /** A certificate that an intermediate has signed. */
  issueByIntermediate(serviceAccount: string): TestIdentity {
    const hosts = [`${this.#name} intermediate`];
    const intermediate = makeCertificate({ hosts, isCa: true, keyUsage: ['keyCertSign'], issuer: this.issuer });
    const leaf = this.issue(serviceAccount, { issuer: { hosts, keyObject: intermediate.keyObject } });
    return { ...leaf, chain: `${leaf.chain}${intermediate.certificate}` };
  }
}

export function certificatesOf(pem: string): X509Certificate[] {
  return pem
    .split(/(?<=-----END CERTIFICATE-----\n)/)
    .filter((block) => block !== '')
    .map((block) => new X509Certificate(block));
}
