import type { DnsMessage } from './dns-message.js';

/** Hears of one question put to one server; at most one call comes, and none once the ask is cancelled. */
export interface AskHandler {
  onMessage(message: DnsMessage): void;
  onFailure(reason: 'badPacket' | 'network'): void;
}

/** A question that is under way. Cancelling frees what it holds, and must be done also after an answer. */
export interface Ask {
  cancel(): void;
}
