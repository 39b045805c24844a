import type { Ask, AskHandler } from './dns-ask.js';
import { type DnsQuestion, decodeAnswer, encodeQuery, isAnswerTo } from './dns-message.js';
import type { DnsServer } from './resolv-conf.js';
import { UdpSocket } from './udp-socket.js';

interface PendingAsk {
  readonly question: DnsQuestion;
  readonly handler: AskHandler;
}

/**
 * All UDP questions to one server. They share a socket, which is closed as soon as nothing is under way: the next question
 * then leaves from another random port, which a forger has to guess along with the id (RFC 5452), and nothing stays open.
 */
export class UdpChannel {
  readonly #pending = new Map<number, PendingAsk>();
  #socket: UdpSocket | undefined;

  constructor(
    private readonly server: DnsServer,
    private readonly randomId: () => number,
  ) {}

  ask(question: DnsQuestion, ednsPayloadBytes: number, handler: AskHandler): Ask {
    const id = this.#freeId();
    this.#pending.set(id, { question, handler });
    this.#socket ??= this.#open();
    this.#socket.send(encodeQuery(id, question, ednsPayloadBytes));
    return { cancel: () => this.#release(id, handler) };
  }

  #open(): UdpSocket {
    return new UdpSocket(
      this.server,
      (packet) => this.#onPacket(packet),
      () => this.#failAll(),
    );
  }

  #freeId(): number {
    let id = this.randomId();
    while (this.#pending.has(id)) id = (id + 1) & 0xffff;
    return id;
  }

  #onPacket(packet: Buffer): void {
    if (packet.length < 2) return;
    const pending = this.#pending.get(packet.readUInt16BE(0));
    if (pending === undefined) return;
    const message = decodeAnswer(packet);
    if (message === undefined) pending.handler.onFailure('badPacket');
    // An answer to another question is a late one whose id came round again, or forged. The right one may still come.
    else if (isAnswerTo(pending.question, message)) pending.handler.onMessage(message);
  }

  #failAll(): void {
    for (const [id, ask] of [...this.#pending]) {
      // What one of them does about it may cancel another.
      if (this.#pending.get(id) === ask) ask.handler.onFailure('network');
    }
  }

  #release(id: number, handler: AskHandler): void {
    // The id may belong to another question by now.
    if (this.#pending.get(id)?.handler === handler) this.#pending.delete(id);
    if (this.#pending.size > 0) return;
    this.#socket?.close();
    this.#socket = undefined;
  }
}
