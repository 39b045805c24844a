import type { InboundConnection, InboundListener, VerifiedToken } from '@inmesh/core';
import { InboundPolicy } from '@inmesh/core';
import { testCall } from '@inmesh/core/testing';
import { decodeResources, formatResourceError } from '@inmesh/xds';
import { type ClientView, formatIssue } from '../src/index.js';
import { loadWith } from './support.js';

/** A request as it comes in; by default of `reviews`, over mutual TLS. */
export interface Incoming {
  readonly method?: string;
  readonly path?: string;
  readonly authority?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** SPIFFE ID without its scheme; null for plain text. */
  readonly from?: string | null;
  readonly port?: number;
  readonly serverName?: string;
  readonly remoteAddress?: string;
  readonly sourceAddress?: string;
  readonly token?: Partial<VerifiedToken>;
}

const workload: ClientView = { namespace: 'default', labels: { app: 'web' } };

/** What a workload demands, as its SDK reads it. */
export function inboundOf(text: string, client = workload): InboundListener | undefined {
  const { resources, issues } = loadWith({ client }, text);
  const errors = issues.filter(({ severity }) => severity === 'error').map(formatIssue);
  const decoded = decodeResources(resources);
  const problems = [...errors, ...decoded.errors.map(formatResourceError)];
  if (problems.length > 0) throw new Error(problems.join('\n'));
  return decoded.resources.inbound;
}

/** The rule that decided, in short; `pass` where none refuses. */
export function decide(text: string, incoming: Incoming = {}, client = workload): string {
  return decideBy(inboundOf(text, client), incoming);
}

export function decideBy(listener: InboundListener | undefined, incoming: Incoming = {}): string {
  if (listener === undefined) return 'pass';
  const { from = 'cluster.local/ns/default/sa/reviews', port = 80 } = incoming;
  const chain = new InboundPolicy(listener).chainOf(port, from === null ? 'plaintext' : 'tls');
  if (chain === undefined) return 'closed';
  const call = callOf(incoming, from, port);
  for (const filter of chain.filters) {
    if (filter.kind !== 'rbac' || filter.shadow) continue;
    const { allowed, policy } = filter.engine(call);
    if (!allowed) return policy ?? 'nothing allows it';
  }
  return 'pass';
}

function callOf(incoming: Incoming, from: string | null, port: number) {
  const { method = 'GET', path = '/', authority = 'web', headers = {}, token } = incoming;
  const call = testCall({ method, path, authority, headers });
  call.connection = connectionOf(incoming, from, port);
  call.sourceAddress = incoming.sourceAddress ?? '10.0.0.9';
  if (token !== undefined) {
    call.token = { issuer: '', subject: '', audiences: [], presenter: '', claims: {}, ...token };
  }
  return call;
}

function connectionOf({ serverName = '', remoteAddress = '10.0.0.9' }: Incoming, from: string | null, port: number) {
  const [trustDomain = '', , namespace = '', , serviceAccount = ''] = (from ?? '').split('/');
  const peer = { spiffeId: `spiffe://${from}`, trustDomain, namespace, serviceAccount };
  const connection: InboundConnection = {
    isTls: from !== null,
    peer: from === null ? undefined : peer,
    serverName,
    localAddress: '10.0.0.1',
    localPort: port,
    remoteAddress,
  };
  return connection;
}

/** An AuthorizationPolicy for the namespace, whose spec is given in flow form. */
export function policy(spec: string, name = 'p', namespace = 'default'): string {
  return `---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: ${name}, namespace: ${namespace} }
spec: ${spec}
`;
}
