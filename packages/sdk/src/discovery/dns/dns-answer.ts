import type { AddressRecord, DnsMessage, DnsQuestion, DnsRecord, QueryType, SrvRecord } from './dns-message.js';

export type DnsFailureReason =
  | 'timeout'
  | 'servfail'
  | 'refused'
  /** Any other error code of the server, such as «not implemented». */
  | 'serverError'
  | 'badPacket'
  /** The server's port is closed, or there is no way to it. */
  | 'network'
  /** Longer than DNS can carry, or with an empty label. Nothing was asked. */
  | 'invalidName'
  | 'closed';

/** What became of one question. All times are in seconds. */
export type DnsAnswer =
  | {
      readonly kind: 'records';
      /** Of the type that was asked for; at least one. */
      readonly records: readonly (AddressRecord | SrvRecord)[];
      /** Addresses of SRV targets that the server sent along. */
      readonly additional: readonly AddressRecord[];
      /** The smallest of the records and of the aliases (CNAME) that lead to them. */
      readonly ttlSeconds: number;
    }
  /** The name is there, but has no records of this type. */
  | { readonly kind: 'noData'; readonly negativeTtl: number }
  | { readonly kind: 'nxdomain'; readonly negativeTtl: number }
  | { readonly kind: 'failure'; readonly reason: DnsFailureReason };

/** Where the server sends no SOA there is nothing to go by (RFC 2308 section 5); the TTL of CoreDNS in a cluster. */
const defaultNegativeTtl = 5;

/** More aliases than any sound zone has, so that a circle of them ends. */
const maxAliases = 16;

/** Reads a complete answer to `question`. */
export function interpretAnswer(question: DnsQuestion, message: DnsMessage): DnsAnswer {
  const failure = failureOf(message.rcode);
  if (failure !== undefined) return { kind: 'failure', reason: failure };
  if (message.rcode === 3) return { kind: 'nxdomain', negativeTtl: negativeTtlOf(message.authorities) };
  const { name, ttl } = followAliases(question.name, message.answers);
  const records = message.answers.filter((record) => record.name === name).filter(isOfType(question.type));
  if (records.length === 0) return { kind: 'noData', negativeTtl: negativeTtlOf(message.authorities) };
  const ttlSeconds = Math.min(ttl, ...records.map((record) => record.ttl));
  return { kind: 'records', records, additional: message.additionals.filter(isAddress), ttlSeconds };
}

function failureOf(rcode: number): DnsFailureReason | undefined {
  if (rcode === 0 || rcode === 3) return undefined;
  if (rcode === 2) return 'servfail';
  return rcode === 5 ? 'refused' : 'serverError';
}

/** The records of an alias and its target come in one answer, in any order (RFC 1034 section 3.6.2). */
function followAliases(start: string, answers: readonly DnsRecord[]): { name: string; ttl: number } {
  let name = start;
  let ttl = Number.POSITIVE_INFINITY;
  for (let hops = 0; hops < maxAliases; hops += 1) {
    const alias = answers.find((record) => record.type === 'CNAME' && record.name === name);
    if (alias?.type !== 'CNAME') break;
    name = alias.target;
    ttl = Math.min(ttl, alias.ttl);
  }
  return { name, ttl };
}

function negativeTtlOf(authorities: readonly DnsRecord[]): number {
  const soa = authorities.find((record) => record.type === 'SOA');
  return soa?.type === 'SOA' ? Math.min(soa.ttl, soa.minimum) : defaultNegativeTtl;
}

function isOfType(type: QueryType) {
  return (record: DnsRecord): record is AddressRecord | SrvRecord => record.type === type;
}

function isAddress(record: DnsRecord): record is AddressRecord {
  return record.type === 'A' || record.type === 'AAAA';
}
