import { randomInt } from 'node:crypto';
import type { Clock } from '@inmesh/core';
import type { DnsAnswer } from './dns-answer.js';
import { type DnsQuestion, isEncodableName, normalName, type QueryType } from './dns-message.js';
import { DnsQuery, type QuerySettings } from './dns-query.js';
import type { DnsServer } from './resolv-conf.js';
import { UdpChannel } from './udp-channel.js';

export interface DnsClientOptions {
  readonly clock: Clock;
  /** Asked in this order, each once before the first is asked again. */
  readonly servers: readonly DnsServer[];
  /** For one try. Default 300. */
  readonly timeoutMs?: number | undefined;
  /** Rounds through the servers. Default 2. */
  readonly attempts?: number | undefined;
  /** For one question over all tries. Default 1200, so that any number of dead servers is known in 1.2 s. */
  readonly budgetMs?: number | undefined;
  /** The largest UDP answer asked for (EDNS0, RFC 6891). Default 4096; 0 leaves EDNS out. */
  readonly ednsPayloadBytes?: number | undefined;
  /** Uniform over 0 to 65535 and hard to guess (RFC 5452). Default: node:crypto. */
  readonly randomId?: (() => number) | undefined;
}

/**
 * A small stub resolver: UDP, then TCP for an answer that was cut short. Our own and not node:dns, because Node's resolver
 * gives no TTL for SRV records, and its `resolve4` does not apply the search list and `ndots`.
 *
 * Equal questions that are under way at the same time are asked once. `query` never rejects.
 */
export class DnsClient {
  readonly #settings: QuerySettings;
  readonly #underWay = new Map<string, { readonly query: DnsQuery; readonly answer: Promise<DnsAnswer> }>();
  #closed = false;

  constructor(options: DnsClientOptions) {
    const randomId = options.randomId ?? (() => randomInt(0x10000));
    const channels = new Map(options.servers.map((server) => [server, new UdpChannel(server, randomId)]));
    this.#settings = {
      clock: options.clock,
      randomId,
      servers: options.servers,
      channelOf: (server) => channels.get(server)!,
      timeoutMs: options.timeoutMs ?? 300,
      attempts: options.attempts ?? 2,
      budgetMs: options.budgetMs ?? 1200,
      ednsPayloadBytes: options.ednsPayloadBytes ?? 4096,
    };
  }

  /** @param name absolute, with or without the trailing dot; the search list is the caller's */
  query(name: string, type: QueryType): Promise<DnsAnswer> {
    const question = { name: normalName(name), type };
    if (this.#closed) return failed('closed');
    if (!isEncodableName(question.name)) return failed('invalidName');
    const key = `${type} ${question.name}`;
    return this.#underWay.get(key)?.answer ?? this.#ask(key, question);
  }

  /** Answers what is under way with a failure. Nothing stays open. */
  close(): void {
    this.#closed = true;
    for (const { query } of [...this.#underWay.values()]) query.close();
  }

  #ask(key: string, question: DnsQuestion): Promise<DnsAnswer> {
    const query = new DnsQuery(question, this.#settings);
    const answer = query.run().finally(() => this.#underWay.delete(key));
    this.#underWay.set(key, { query, answer });
    return answer;
  }
}

function failed(reason: 'closed' | 'invalidName'): Promise<DnsAnswer> {
  return Promise.resolve({ kind: 'failure', reason });
}
