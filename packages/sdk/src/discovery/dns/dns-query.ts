import type { Clock, Timer } from '@inmesh/core';
import { type DnsAnswer, type DnsFailureReason, interpretAnswer } from './dns-answer.js';
import type { Ask } from './dns-ask.js';
import type { DnsMessage, DnsQuestion } from './dns-message.js';
import type { DnsServer } from './resolv-conf.js';
import { askOverTcp } from './tcp-ask.js';
import type { UdpChannel } from './udp-channel.js';

export interface QuerySettings {
  readonly clock: Clock;
  readonly randomId: () => number;
  readonly servers: readonly DnsServer[];
  readonly channelOf: (server: DnsServer) => UdpChannel;
  readonly timeoutMs: number;
  readonly attempts: number;
  readonly budgetMs: number;
  readonly ednsPayloadBytes: number;
}

/**
 * One question on its way through the servers: asking() -> the next server on a time-out or an error -> settled. An answer
 * to an earlier try still counts, so a resolver slower than one time-out is not a dead one. A server that has said
 * «failure» is not asked again: repeating would only add to its load.
 */
export class DnsQuery {
  readonly #asks: Ask[] = [];
  #budget: Timer | undefined;
  #servers: DnsServer[];
  #ednsPayloadBytes: number;
  #tryTimer: Timer | undefined;
  #current: DnsServer | undefined;
  #reason: DnsFailureReason = 'timeout';
  #resolve: ((answer: DnsAnswer) => void) | undefined;

  constructor(
    private readonly question: DnsQuestion,
    private readonly settings: QuerySettings,
  ) {
    this.#servers = Array.from({ length: settings.attempts }, () => settings.servers).flat();
    this.#ednsPayloadBytes = settings.ednsPayloadBytes;
  }

  /** To be called once. Never rejects. */
  run(): Promise<DnsAnswer> {
    return new Promise((resolve) => {
      this.#resolve = resolve;
      this.#budget = this.settings.clock.setTimer(this.settings.budgetMs, () => this.#fail());
      this.#tryNext();
    });
  }

  close(): void {
    this.#settle({ kind: 'failure', reason: 'closed' });
  }

  #tryNext(): void {
    const server = this.#servers.shift();
    if (server === undefined) this.#fail();
    else this.#try(server);
  }

  #try(server: DnsServer): void {
    this.#current = server;
    this.#armTryTimer();
    const ask = this.settings.channelOf(server).ask(this.question, this.#ednsPayloadBytes, {
      onMessage: (message) => this.#onDatagram(server, message),
      onFailure: (reason) => this.#giveUp(server, reason),
    });
    this.#asks.push(ask);
  }

  #onDatagram(server: DnsServer, message: DnsMessage): void {
    if (message.truncated) this.#retryOverTcp(server);
    else if (message.rcode === 1 && this.#ednsPayloadBytes > 0) this.#retryWithoutEdns(server);
    else this.#onComplete(server, message);
  }

  #onComplete(server: DnsServer, message: DnsMessage): void {
    const answer = interpretAnswer(this.question, message);
    if (answer.kind === 'failure') this.#giveUp(server, answer.reason);
    else this.#settle(answer);
  }

  #retryOverTcp(server: DnsServer): void {
    this.#current = server;
    this.#armTryTimer();
    const ask = askOverTcp(server, this.settings.randomId(), this.question, {
      onMessage: (message) => this.#onComplete(server, message),
      onFailure: (reason) => this.#giveUp(server, reason),
    });
    this.#asks.push(ask);
  }

  /** A server that knows no EDNS answers «format error» (RFC 6891 section 7). */
  #retryWithoutEdns(server: DnsServer): void {
    this.#ednsPayloadBytes = 0;
    this.#try(server);
  }

  #giveUp(server: DnsServer, reason: DnsFailureReason): void {
    this.#servers = this.#servers.filter((other) => other !== server);
    this.#reason = reason;
    if (this.#current === server) this.#tryNext();
  }

  #armTryTimer(): void {
    this.#tryTimer?.cancel();
    this.#tryTimer = this.settings.clock.setTimer(this.settings.timeoutMs, () => {
      this.#reason = 'timeout';
      this.#tryNext();
    });
  }

  #fail(): void {
    this.#settle({ kind: 'failure', reason: this.#reason });
  }

  #settle(answer: DnsAnswer): void {
    this.#budget?.cancel();
    this.#tryTimer?.cancel();
    for (const ask of this.#asks) ask.cancel();
    this.#resolve?.(answer);
  }
}
