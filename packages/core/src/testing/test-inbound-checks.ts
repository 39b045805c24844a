import type { InboundChecks } from '../filters/inbound-policy.js';

/** Finds nothing wrong with any call. */
export const testInboundChecks: InboundChecks = Object.freeze({
  normalize: () => undefined,
  authenticate: () => undefined,
  askService: () => undefined,
  onDecision: () => {},
});
