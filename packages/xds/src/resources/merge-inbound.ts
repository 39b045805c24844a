import type { InboundListener } from '@inmesh/core';

/**
 * What several listeners demand of those that come in, as one: each has ports of its own. Undefined where there is none. The
 * same object as before where it is made of the same chains, for later stages compare by identity.
 */
export function mergeInbound(
  listeners: readonly InboundListener[],
  before: InboundListener | undefined,
): InboundListener | undefined {
  const [first] = listeners;
  if (listeners.length <= 1) return first;
  const sorted = [...listeners].sort((a, b) => (a.name < b.name ? -1 : 1));
  const name = sorted.map((listener) => listener.name).join(', ');
  const chains = sorted.flatMap((listener) => listener.chains);
  const isSame = before?.name === name && before.chains.length === chains.length;
  if (isSame && chains.every((chain, index) => before.chains[index] === chain)) return before;
  return Object.freeze({ name, chains: Object.freeze(chains) });
}
