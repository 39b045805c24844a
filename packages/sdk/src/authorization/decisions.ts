import type { Call, InboundChecks } from '@inmesh/core';
import type { MeshInternals } from '../mesh-internals.js';
import { QuietLines } from '../quiet-lines.js';

type Tellers = Pick<InboundChecks, 'onDecision' | 'onNotTaken'>;

export interface DecisionListenerOptions extends Pick<MeshInternals, 'clock' | 'telemetry' | 'logger'> {
  /** Why there is no configuration, or why it may be old. */
  readonly sourceProblem?: (() => string | undefined) | undefined;
}

/** Tells telemetry and the log. Of the request only what names it: no header, no query. */
export function decisionListener({ clock, telemetry, logger, sourceProblem }: DecisionListenerOptions): Tellers {
  const lines = new QuietLines(clock);
  return {
    onDecision: (call, decision) => {
      for (const listener of telemetry) listener.policyDecided?.(call, decision);
      const { action, allowed, shadow, policy } = decision;
      if (action === 'log' ? policy === undefined : allowed) return;
      const peer = call.connection?.peer?.spiffeId;
      const fields = { policy: policy ?? 'none matched', ...requestOf(call), peer };
      if (action === 'log') {
        logger.info('an incoming call that is to be told of', fields);
        return;
      }
      lines.tell(`${shadow} ${policy} ${peer}`, (more) => {
        logger.debug?.(shadow ? 'an incoming call would be refused' : 'an incoming call is refused', {
          ...fields,
          ...more,
        });
      });
    },
    onNotTaken: (call, reason) => {
      const { remoteAddress, localPort } = call.connection ?? {};
      lines.tell(reason, (more) => {
        const problem = reason === 'not_ready' ? sourceProblem?.() : undefined;
        logger.warn(notTaken[reason], {
          ...{ reason, ...requestOf(call), remoteAddress, localPort },
          ...(problem !== undefined && { problem }),
          ...more,
        });
      });
    },
  };
}

const notTaken = {
  not_ready: 'an incoming call is refused: nobody comes in until there is a configuration, or a last-good copy of one',
  plaintext:
    'an incoming call in plain text is refused, since its port is STRICT: serve by mesh.createServer, mesh.secure or ' +
    'mesh.grpc.bind; for callers without a certificate, a PeerAuthentication PERMISSIVE, or `probes`',
  tls: 'an incoming call by TLS is refused: the policies of its port do not take TLS',
} as const;

function requestOf({ method, path }: Call) {
  return { method, path: path.replace(/[?#].*$/s, '') };
}
