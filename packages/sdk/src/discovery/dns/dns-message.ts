import { isIPv4, isIPv6 } from 'node:net';
import dnsPacket, { type Answer } from 'dns-packet';

export type QueryType = 'A' | 'AAAA' | 'SRV';

export interface DnsQuestion {
  /** In lower case without a trailing dot. */
  readonly name: string;
  readonly type: QueryType;
}

/** `ttl` is in seconds; `name` and other names are in lower case without a trailing dot. */
interface RecordOf<T extends string> {
  readonly type: T;
  readonly name: string;
  readonly ttl: number;
}
export interface AddressRecord extends RecordOf<'A' | 'AAAA'> {
  readonly address: string;
}
export interface SrvRecord extends RecordOf<'SRV'> {
  /** `.` when the service is decidedly not there (RFC 2782). */
  readonly target: string;
  readonly port: number;
  /** 0 is asked first. */
  readonly priority: number;
  readonly weight: number;
}
export interface CnameRecord extends RecordOf<'CNAME'> {
  readonly target: string;
}
export interface SoaRecord extends RecordOf<'SOA'> {
  /** Seconds for which «there is none» may be kept, together with `ttl` (RFC 2308). */
  readonly minimum: number;
}
export type DnsRecord = AddressRecord | SrvRecord | CnameRecord | SoaRecord;

/** An answer as it came; records of other types and classes are left out. */
export interface DnsMessage {
  readonly question: { readonly name: string; readonly type: string } | undefined;
  readonly truncated: boolean;
  /** RFC 1035 section 4.1.1: 0 no error, 1 format error, 2 server failure, 3 no such name, 5 refused. */
  readonly rcode: number;
  readonly answers: readonly DnsRecord[];
  readonly authorities: readonly DnsRecord[];
  readonly additionals: readonly DnsRecord[];
}

/** @param ednsPayloadBytes the UDP answer that fits us (EDNS0, RFC 6891); 0 leaves EDNS out, and answers end at 512 bytes */
export function encodeQuery(id: number, question: DnsQuestion, ednsPayloadBytes: number): Buffer {
  const additionals: Answer[] = ednsPayloadBytes === 0 ? [] : [edns(ednsPayloadBytes)];
  return dnsPacket.encode({
    type: 'query',
    id,
    flags: dnsPacket.RECURSION_DESIRED,
    questions: [{ name: question.name, type: question.type, class: 'IN' }],
    additionals,
  });
}

/** Undefined for a packet that is malformed or no answer. */
export function decodeAnswer(packet: Buffer): DnsMessage | undefined {
  try {
    const message = dnsPacket.decode(packet);
    // The decoder reads past the end without noticing: an IPv6 address cut short would come out as one with zeros, and a
    // cut text record makes the count NaN.
    const isWhole = dnsPacket.decode.bytes <= packet.length;
    if (!isWhole || message.type !== 'response') return undefined;
    const question = message.questions?.[0];
    return {
      question: question === undefined ? undefined : { name: normalName(question.name), type: question.type },
      truncated: message.flag_tc,
      rcode: (message.flags ?? 0) & 0xf,
      answers: recordsOf(message.answers),
      authorities: recordsOf(message.authorities),
      additionals: recordsOf(message.additionals),
    };
  } catch {
    return undefined;
  }
}

/** Servers may leave the question out of an answer that is an error (RFC 1035 section 4.1.1 demands only the header). */
export function isAnswerTo(question: DnsQuestion, message: DnsMessage): boolean {
  const echoed = message.question;
  if (echoed === undefined) return message.rcode !== 0 && message.rcode !== 3;
  return echoed.type === question.type && echoed.name === question.name;
}

/** Lower case without a trailing dot; the root is `.`. */
export function normalName(name: string): string {
  return (name.length > 1 && name.endsWith('.') ? name.slice(0, -1) : name).toLowerCase();
}

/** The limits of RFC 1035 section 2.3.4. Beyond them the encoder would write a packet that means something else. */
export function isEncodableName(name: string): boolean {
  if (Buffer.byteLength(name) > 253) return false;
  return name.split('.').every((label) => label !== '' && Buffer.byteLength(label) <= 63);
}

function edns(udpPayloadSize: number): Answer {
  return {
    type: 'OPT',
    name: '.',
    udpPayloadSize,
    extendedRcode: 0,
    ednsVersion: 0,
    flags: 0,
    flag_do: false,
    options: [],
  };
}

function recordsOf(answers: readonly Answer[] | undefined): DnsRecord[] {
  return (answers ?? []).map(toRecord).filter((record) => record !== undefined);
}

function toRecord(answer: Answer): DnsRecord | undefined {
  if (answer.type === 'OPT' || answer.class !== 'IN') return undefined;
  const name = normalName(answer.name);
  // RFC 2181 section 8: a lifetime with the highest bit set counts as zero.
  const ttl = (answer.ttl ?? 0) > 0x7fffffff ? 0 : (answer.ttl ?? 0);
  switch (answer.type) {
    case 'A':
      return isIPv4(answer.data) ? { type: 'A', name, ttl, address: answer.data } : undefined;
    case 'AAAA':
      return isIPv6(answer.data) ? { type: 'AAAA', name, ttl, address: answer.data } : undefined;
    case 'CNAME':
      return { type: 'CNAME', name, ttl, target: normalName(answer.data) };
    case 'SRV': {
      const { target, port, priority = 0, weight = 0 } = answer.data;
      return { type: 'SRV', name, ttl, target: normalName(target), port, priority, weight };
    }
    case 'SOA':
      return { type: 'SOA', name, ttl, minimum: answer.data.minimum ?? 0 };
    default:
      return undefined;
  }
}
