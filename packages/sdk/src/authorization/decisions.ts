import type { InboundChecks } from '@inmesh/core';
import type { MeshInternals } from '../mesh-internals.js';

/** Tells telemetry and the log. Of the request only what names it: no header, no query. */
export function decisionListener({
  telemetry,
  logger,
}: Pick<MeshInternals, 'telemetry' | 'logger'>): InboundChecks['onDecision'] {
  return (call, decision) => {
    for (const listener of telemetry) listener.policyDecided?.(call, decision);
    const { action, allowed, shadow, policy } = decision;
    if (action === 'log' ? policy === undefined : allowed) return;
    const fields = {
      policy: policy ?? 'none matched',
      ...{ method: call.method, path: call.path.replace(/[?#].*$/s, '') },
      peer: call.connection?.peer?.spiffeId,
    };
    if (action === 'log') logger.info('an incoming call that is to be told of', fields);
    else logger.debug?.(shadow ? 'an incoming call would be refused' : 'an incoming call is refused', fields);
  };
}
