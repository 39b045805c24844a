import { makeCertificate } from './certificates.js';
import { MeshAuthority, type TestIdentity } from './mesh-authority.js';

/** Who is not to be spoken with. */
export interface Stranger {
  readonly who: string;
  /** Why a server of the mesh refuses it. */
  readonly reason: string;
  /** Why a client of the mesh refuses a server with this certificate: OpenSSL's words, or one of the same reasons. */
  readonly asServer: string;
  readonly chain: string;
  readonly key: string;
}

const hour = 3600_000;

/** One for each thing that may be wrong with a certificate for `ns/default/sa/NAME`. */
export function strangersTo(authority: MeshAuthority, name: string): Stranger[] {
  const uri = `spiffe://${authority.trustDomain}/ns/default/sa/${name}`;
  const issue = (options: Parameters<MeshAuthority['issue']>[1]) => authority.issue(name, options);
  const own = makeCertificate({ uris: [uri], keyUsage: ['digitalSignature'] });
  const soon = new Date(Date.now() + hour);
  const justNow = new Date(Date.now() - hour);
  const uris = [uri, uri.replace(name, 'admin')];
  const foreign = new MeshAuthority('evil.org').issue(name);
  return [
    stranger('self-signed', 'self_signed', 'self-signed certificate', { chain: own.certificate, key: own.key }),
    stranger(
      'of an unknown root',
      'unknown_authority',
      'unable to verify the first certificate',
      new MeshAuthority().issue(name),
    ),
    stranger('of another mesh', 'untrusted_domain', 'unable to verify the first certificate', foreign),
    stranger('of another trust domain', 'untrusted_domain', 'untrusted_domain', issue({ uris: [foreign.spiffeId] })),
    stranger('expired', 'expired', 'certificate has expired', issue({ notAfter: justNow })),
    stranger('not yet valid', 'not_yet_valid', 'certificate is not yet valid', issue({ notBefore: soon })),
    stranger('with two URI names', 'several_uris', 'several_uris', issue({ uris })),
    stranger('without a URI name', 'no_spiffe_id', 'no_spiffe_id', issue({ uris: [] })),
    stranger('for servers alone', 'wrong_usage', 'wrong_usage', issue({ extendedKeyUsage: ['serverAuth'] })),
    stranger(
      'that may sign others',
      'not_a_leaf',
      'not_a_leaf',
      issue({ keyUsage: ['digitalSignature', 'keyCertSign'] }),
    ),
  ];
}

function stranger(
  who: string,
  reason: string,
  asServer: string,
  { chain, key }: Pick<TestIdentity, 'chain' | 'key'>,
): Stranger {
  return { who, reason, asServer, chain, key };
}
