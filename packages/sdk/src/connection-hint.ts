const hints: readonly (readonly [RegExp, string])[] = [
  [/ECONNREFUSED/, 'nothing listens at that address: the process may be down, or targetPort wrong'],
  [
    /WRONG_VERSION_NUMBER|wrong version number|packet length too long|http request/i,
    'the server speaks plain text on this port: serve with mesh.createServer, mesh.secure or mesh.grpc.bind, ' +
      'or it is no member of the mesh and wants tls.mode DISABLE in its DestinationRule',
  ],
  [
    /SELF_SIGNED_CERT_IN_CHAIN|self-signed certificate in certificate chain/,
    'the server is of another root than those that this workload trusts: a server of another mesh, or another authority',
  ],
  [
    /UNABLE_TO_VERIFY_LEAF|UNABLE_TO_GET_ISSUER|unable to verify the first certificate|unable to get (?:local )?issuer/,
    'no authority that this workload trusts has signed the certificate of the server',
  ],
];

/** What may help against a connection that did not come up. @param text of the error, and its code */
export function connectionHint(text: string): string | undefined {
  return hints.find(([pattern]) => pattern.test(text))?.[1];
}
