import { X509Certificate } from 'node:crypto';
import {
  type ConnectionOptions,
  checkServerIdentity,
  createSecureContext,
  type PeerCertificate,
  type SecureContext,
} from 'node:tls';
import {
  type Cluster,
  compileStringMatcher,
  type Endpoint,
  MeshError,
  type TextTest,
  type UpstreamTls,
} from '@inmesh/core';
import { hostTest } from './host-test.js';
import type { Identity } from './identity.js';
import type { PeerRefusal } from './refusal.js';
import type { Pair, TlsMaterial } from './tls-material.js';
import { chainOf, trustOf } from './trust.js';
import { isExpected, verifyPeer } from './verify-peer.js';

/** What connections are made with, and how their other end is judged. One object as long as nothing of it changes. */
export interface UpstreamTlsContext {
  readonly secureContext: SecureContext;
  readonly rejectUnauthorized: boolean;
  /** Empty: none is sent. */
  readonly sni: string;
  /** Called once OpenSSL has found that some authority of the list has signed the certificate. */
  readonly checkServerIdentity: NonNullable<ConnectionOptions['checkServerIdentity']>;
}

/** The code of the error that a connection to a server of another identity ends with. */
export const peerRefusedCode = 'INMESH_PEER_REFUSED';

/** The TLS that a connection to this endpoint is made with. Undefined: what the URL says holds. */
export function transportTls({ transport }: Cluster, { meshTls }: Endpoint): UpstreamTls | undefined {
  switch (transport.kind) {
    case 'plaintext':
      return undefined;
    case 'tls':
      return transport.tls;
    case 'byEndpoint':
      return meshTls ? transport.tls : undefined;
  }
}

/** When what a server has shown expires, on the wall clock; Infinity where it has shown nothing. */
export function endOfValidity(certificate: Partial<Pick<PeerCertificate, 'valid_to'>> | undefined): number {
  return certificate?.valid_to === undefined ? Number.POSITIVE_INFINITY : Date.parse(certificate.valid_to);
}

const keys = new WeakMap<UpstreamTls, string>();

/** Equal for TLS that is alike. */
export function transportKey(tls: UpstreamTls | undefined): string {
  if (tls === undefined) return '';
  let key = keys.get(tls);
  if (key === undefined) {
    key = JSON.stringify(tls);
    keys.set(tls, key);
  }
  return key;
}

interface Made {
  readonly pair: Pair | undefined;
  readonly authorities: string | undefined;
  readonly context: UpstreamTlsContext;
}

/** The contexts of this process's connections, remade when a certificate or a bundle is another. */
export class UpstreamTlsContexts {
  readonly #made = new WeakMap<UpstreamTls, Made>();

  constructor(
    private readonly material: TlsMaterial,
    /** Ms; what validity is judged by. */
    readonly wallClock: () => number = Date.now,
  ) {}

  /** Connections that were made under another one have to be replaced. */
  get epoch(): Identity | undefined {
    return this.material.identity?.current;
  }

  /** @throws MeshError `not_ready` when what is to be shown or trusted is not there */
  of(tls: UpstreamTls): UpstreamTlsContext {
    const pair = tls.certificate === undefined ? undefined : this.material.pair(tls.certificate);
    const authorities = tls.skipVerify ? undefined : this.material.authorities(tls.trust);
    const made = this.#made.get(tls);
    if (made !== undefined && made.pair?.cert === pair?.cert && made.pair?.key === pair?.key) {
      if (made.authorities === authorities) return made.context;
    }
    try {
      const context = this.#create(tls, pair, authorities);
      this.#made.set(tls, { pair, authorities, context });
      return context;
    } catch (error) {
      // Files that are written one after the other do not fit together for a moment.
      if (made !== undefined) return made.context;
      throw error;
    }
  }

  #create(tls: UpstreamTls, pair: Pair | undefined, ca: string | undefined): UpstreamTlsContext {
    const secureContext = createContext({ ...pair, ...(ca !== undefined && { ca }), minVersion: 'TLSv1.2' });
    const expected = [...tls.subjectAltNames.map(compileStringMatcher), ...(tls.dnsNames ?? []).map(hostTest)];
    const check = tls.trust.kind === 'workload' ? this.#workloadCheck(tls, expected) : nameCheck(tls, expected);
    return { secureContext, rejectUnauthorized: !tls.skipVerify, sni: tls.sni, checkServerIdentity: check };
  }

  #workloadCheck(tls: UpstreamTls, expected: readonly TextTest[]): UpstreamTlsContext['checkServerIdentity'] {
    return (_host, certificate) => {
      const bundles = trustOf(this.material.currentIdentity());
      const verdict = verifyPeer(chainOf(certificate), bundles, this.wallClock(), expected);
      if (verdict.ok) return undefined;
      const isAnother = verdict.reason === 'unexpected_identity';
      return refused(isAnother ? { ...verdict, detail: `${verdict.detail}: ${namesOf(tls)}` } : verdict);
    };
  }
}

/** Of trust that is not the mesh's: the names that are expected, else that which is called. */
function nameCheck(tls: UpstreamTls, expected: readonly TextTest[]): UpstreamTlsContext['checkServerIdentity'] {
  return (host, certificate: PeerCertificate) => {
    if (expected.length === 0) return hostRefusal(checkServerIdentity(tls.sni || host, certificate));
    if (isExpected(new X509Certificate(certificate.raw), expected)) return undefined;
    const detail = `none of its names (${certificate.subjectaltname ?? 'it has none'}) is expected: ${namesOf(tls)}`;
    return refused({ ok: false, reason: 'unexpected_identity', detail });
  };
}

/** Those that are expected, for people: three at most. */
function namesOf({ subjectAltNames, dnsNames = [] }: UpstreamTls): string {
  const matchers = subjectAltNames.map((matcher) =>
    matcher.kind === 'regex' ? `/${matcher.regex.source}/` : `${matcher.kind} ${matcher.value}`,
  );
  const names = [...matchers.map((text) => text.replace(/^exact /, '')), ...dnsNames];
  const more = names.length > 3 ? ` and ${names.length - 3} more` : '';
  return names.slice(0, 3).join(', ') + more;
}

/** As a refusal of ours: of Node's own error undici believes that it is about another name than the request's, and waits. */
function hostRefusal(error: Error | undefined): Error | undefined {
  return error && refused({ ok: false, reason: 'unexpected_identity', detail: error.message });
}

function createContext(options: Parameters<typeof createSecureContext>[0]): SecureContext {
  try {
    return createSecureContext(options);
  } catch (error) {
    // OpenSSL's words may hold what it was given.
    const code = (error as NodeJS.ErrnoException).code ?? 'unreadable';
    throw new MeshError('not_ready', { message: `the certificate and key of this workload cannot be used (${code})` });
  }
}

function refused({ reason, detail }: PeerRefusal): Error {
  return Object.assign(new Error(`the server was refused (${reason}): ${detail}`), { code: peerRefusedCode, reason });
}
