/** Who is at the other end of a connection, by a certificate that was verified (SPIFFE X.509-SVID). */
export interface PeerIdentity {
  /** `spiffe://TRUST-DOMAIN/ns/NAMESPACE/sa/SERVICE-ACCOUNT`. */
  readonly spiffeId: string;
  readonly trustDomain: string;
  /** Empty where the path is not of Istio's form. */
  readonly namespace: string;
  readonly serviceAccount: string;
}

/** What an incoming call came by. */
export interface InboundConnection {
  readonly isTls: boolean;
  /** Undefined: plain text, or no certificate was shown. */
  readonly peer: PeerIdentity | undefined;
  /** SNI; empty where there is none. */
  readonly serverName: string;
  /** IP addresses as text, an IPv4 one never in its IPv6 form. */
  readonly localAddress: string;
  readonly localPort: number;
  readonly remoteAddress: string;
}

/** A token that was verified. */
export interface VerifiedToken {
  readonly issuer: string;
  readonly subject: string;
  readonly audiences: readonly string[];
  /** `azp`. */
  readonly presenter: string;
  readonly claims: Readonly<Record<string, unknown>>;
}
