import { createSocket, type RemoteInfo, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { type AddressInfo, createServer, isIPv6, type Server, type Socket } from 'node:net';
import dnsPacket, { type Answer, type DecodedPacket, type Packet } from 'dns-packet';

export type FakeDnsMode =
  | 'normal'
  /** Says nothing. */
  | 'drop'
  | 'servfail'
  | 'refused'
  | 'nxdomain'
  /** The name is there, without records. */
  | 'empty'
  /** The right id, then bytes that mean nothing. */
  | 'garbage'
  /** A record cut off in its last address; the client's decoder would fill up with zeros. */
  | 'cutShort'
  | 'wrongId'
  | 'wrongQuestion'
  /** The right answer from another port. */
  | 'wrongSource'
  /** Truncated over UDP, whole over TCP. */
  | 'truncated'
  /** Truncated over UDP, garbage over TCP. */
  | 'truncatedGarbage'
  /** «Format error» for a question with EDNS. */
  | 'noEdns';

type QueryType = 'A' | 'AAAA' | 'SRV';

export interface SeenQuery {
  readonly name: string;
  readonly type: string;
  readonly transport: 'udp' | 'tcp';
}

export interface FakeSrv {
  readonly target: string;
  readonly port: number;
  readonly priority?: number;
  readonly weight?: number;
}

const nxdomain = 3;

/** A DNS server on loopback, UDP and TCP on one port, that answers what it is told to. Records have 5 s unless said. */
export class FakeDnsServer {
  readonly queries: SeenQuery[] = [];
  /** TTL and minimum of the SOA record that goes with «there is none»; undefined sends no SOA. */
  negativeTtl: number | undefined = 5;
  readonly #records = new Map<string, Answer[]>();
  readonly #additionals = new Map<string, Answer[]>();
  readonly #modes = new Map<string, FakeDnsMode>();
  readonly #connections = new Set<Socket>();
  #waiters: (() => void)[] = [];

  private constructor(
    readonly server: { readonly address: string; readonly port: number },
    private readonly udp: UdpSocket,
    private readonly tcp: Server,
    private readonly stranger: UdpSocket,
  ) {
    udp.on('message', (packet, from) => this.#onDatagram(packet, from));
    tcp.on('connection', (socket) => this.#onConnection(socket));
  }

  static async start(address = '127.0.0.1'): Promise<FakeDnsServer> {
    const stranger = await bindUdp(address, 0);
    // A port that is free for TCP may be taken for UDP by another test.
    for (;;) {
      const tcp = createServer().listen(0, address);
      await once(tcp, 'listening');
      const { port } = tcp.address() as AddressInfo;
      const udp = await bindUdp(address, port).catch(() => undefined);
      if (udp !== undefined) return new FakeDnsServer({ address, port }, udp, tcp, stranger);
      tcp.close();
    }
  }

  setA(name: string, addresses: readonly string[], ttl = 5): void {
    this.#set(
      name,
      'A',
      addresses.map((data) => ({ type: 'A', name, ttl, data })),
    );
  }

  setAaaa(name: string, addresses: readonly string[], ttl = 5): void {
    this.#set(
      name,
      'AAAA',
      addresses.map((data) => ({ type: 'AAAA', name, ttl, data })),
    );
  }

  setSrv(name: string, services: readonly FakeSrv[], ttl = 5): void {
    this.#set(
      name,
      'SRV',
      services.map((data) => ({ type: 'SRV', name, ttl, data: { priority: 0, weight: 0, ...data } })),
    );
  }

  setCname(name: string, target: string, ttl = 5): void {
    this.#set(name, 'CNAME', [{ type: 'CNAME', name, ttl, data: target }]);
  }

  /** Addresses that go along with the answers for `name`. */
  setAdditional(name: string, addresses: readonly { name: string; address: string; ttl?: number }[]): void {
    const toRecord = (to: { name: string; address: string; ttl?: number }): Answer => ({
      type: isIPv6(to.address) ? 'AAAA' : 'A',
      name: to.name,
      ttl: to.ttl ?? 5,
      data: to.address,
    });
    this.#additionals.set(name, addresses.map(toRecord));
  }

  remove(name: string): void {
    for (const key of [...this.#records.keys()]) if (key.endsWith(` ${name}`)) this.#records.delete(key);
  }

  /** For all types of the name, or for one; `*` is every name without a mode of its own. */
  setMode(name: string, mode: FakeDnsMode, type?: QueryType): void {
    this.#modes.set(type === undefined ? name : `${type} ${name}`, mode);
  }

  countOf(name: string, type?: QueryType): number {
    return this.queries.filter((query) => query.name === name && (type === undefined || query.type === type)).length;
  }

  /** Settles once so many queries have come in all. */
  async seen(count: number): Promise<void> {
    while (this.queries.length < count) await new Promise<void>((resolve) => this.#waiters.push(resolve));
  }

  async close(): Promise<void> {
    for (const socket of this.#connections) socket.destroy();
    const closed = [once(this.udp, 'close'), once(this.stranger, 'close'), once(this.tcp, 'close')];
    this.udp.close();
    this.stranger.close();
    this.tcp.close();
    await Promise.all(closed);
  }

  #set(name: string, type: string, records: Answer[]): void {
    this.#records.set(`${type} ${name}`, records);
  }

  #onDatagram(packet: Buffer, from: RemoteInfo): void {
    const query = dnsPacket.decode(packet);
    const { name, mode } = this.#note(query, 'udp');
    if (mode === 'drop') return;
    const socket = mode === 'wrongSource' ? this.stranger : this.udp;
    const reply = this.#replyTo(query, name, mode);
    const fits = mode === 'cutShort' || reply.length <= udpPayloadOf(query);
    const truncated = mode === 'truncated' || mode === 'truncatedGarbage' || !fits;
    socket.send(truncated ? cutOff(query) : reply, from.port, from.address);
  }

  #onConnection(socket: Socket): void {
    this.#connections.add(socket);
    socket.on('close', () => this.#connections.delete(socket));
    socket.on('error', () => {});
    let received = Buffer.alloc(0);
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk]);
      if (received.length < 2 || received.length < 2 + received.readUInt16BE(0)) return;
      const query = dnsPacket.decode(received.subarray(2));
      const { name, mode } = this.#note(query, 'tcp');
      const reply = mode === 'truncatedGarbage' ? garbage(query) : this.#replyTo(query, name, mode);
      const length = Buffer.alloc(2);
      length.writeUInt16BE(reply.length);
      // In two writes, since a stream may cut anywhere.
      socket.write(Buffer.concat([length, reply.subarray(0, 5)]));
      socket.end(reply.subarray(5));
    });
  }

  #note(query: DecodedPacket, transport: 'udp' | 'tcp'): { name: string; mode: FakeDnsMode } {
    const { name, type } = query.questions![0]!;
    this.queries.push({ name, type, transport });
    for (const resolve of this.#waiters.splice(0)) resolve();
    const mode = this.#modes.get(`${type} ${name}`) ?? this.#modes.get(name) ?? this.#modes.get('*') ?? 'normal';
    return { name, mode };
  }

  #replyTo(query: DecodedPacket, name: string, mode: FakeDnsMode): Buffer {
    switch (mode) {
      case 'servfail':
        return encode(query, { rcode: 2 });
      case 'refused':
        return encode(query, { rcode: 5 });
      case 'nxdomain':
        return encode(query, { rcode: nxdomain, authorities: this.#soa() });
      case 'empty':
        return encode(query, { authorities: this.#soa() });
      case 'garbage':
        return garbage(query);
      case 'noEdns':
        if ((query.additionals ?? []).length > 0) return encode({ ...query, questions: [] }, { rcode: 1 });
        return this.#encodeRecords(query, name);
      case 'cutShort':
        return this.#encodeRecords(query, name).subarray(0, -3);
      case 'wrongId':
        return this.#encodeRecords({ ...query, id: (query.id ?? 0) ^ 1 }, name);
      case 'wrongQuestion':
        return this.#encodeRecords({ ...query, questions: [{ ...query.questions![0]!, name: 'other.test' }] }, name);
      default:
        return this.#encodeRecords(query, name);
    }
  }

  #encodeRecords(query: DecodedPacket, name: string): Buffer {
    const answers = this.#chain(query.questions![0]!.type, name);
    if (answers.length > 0) return encode(query, { answers, additionals: this.#additionals.get(name) ?? [] });
    const exists = [...this.#records.keys()].some((key) => key.endsWith(` ${name}`));
    return encode(query, { rcode: exists ? 0 : nxdomain, authorities: this.#soa() });
  }

  #chain(type: string, name: string): Answer[] {
    const answers: Answer[] = [];
    for (let owner = name, hops = 0; hops < 20; hops += 1) {
      const [alias] = this.#records.get(`CNAME ${owner}`) ?? [];
      if (alias?.type !== 'CNAME') return [...answers, ...(this.#records.get(`${type} ${owner}`) ?? [])];
      answers.push(alias);
      owner = alias.data;
    }
    return answers;
  }

  #soa(): Answer[] {
    const ttl = this.negativeTtl;
    if (ttl === undefined) return [];
    const data = { mname: 'ns.test', rname: 'admin.test', serial: 1, refresh: 1, retry: 1, expire: 1, minimum: ttl };
    return [{ type: 'SOA', name: 'test', ttl, data }];
  }
}

function encode(
  query: Packet,
  reply: { rcode?: number } & Pick<Packet, 'answers' | 'authorities' | 'additionals'>,
): Buffer {
  const { rcode = 0, ...sections } = reply;
  return dnsPacket.encode({ type: 'response', id: query.id, flags: rcode, questions: query.questions, ...sections });
}

function cutOff(query: Packet): Buffer {
  const { id, questions } = query;
  return dnsPacket.encode({ type: 'response', id, flags: dnsPacket.TRUNCATED_RESPONSE, questions });
}

function garbage(query: Packet): Buffer {
  const packet = Buffer.alloc(40, 0xff);
  packet.writeUInt16BE(query.id ?? 0);
  return packet;
}

function udpPayloadOf(query: Packet): number {
  const edns = query.additionals?.find((record) => record.type === 'OPT');
  return edns?.type === 'OPT' ? edns.udpPayloadSize : 512;
}

async function bindUdp(address: string, port: number): Promise<UdpSocket> {
  const socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4');
  socket.bind(port, address);
  // Rejects on an error event.
  await once(socket, 'listening');
  return socket;
}
