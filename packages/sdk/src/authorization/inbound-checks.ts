import type { InboundChecks } from '@inmesh/core';
import { Authenticator } from '../authentication/authenticator.js';
import type { FetchKeySet } from '../authentication/fetch-key-set.js';
import type { JwtProblem } from '../authentication/jwt-problem.js';
import type { MeshInternals } from '../mesh-internals.js';
import { type AskService, askAbout } from './ask-service.js';
import { decisionListener } from './decisions.js';
import { normalize } from './normalize.js';

export interface InboundChecksOptions extends Pick<MeshInternals, 'clock' | 'logger' | 'telemetry'> {
  /** Milliseconds since 1970. */
  readonly wallClock: () => number;
  readonly askService: AskService;
  /** Default: from the network, outside of the mesh. */
  readonly fetchKeySet?: FetchKeySet;
  readonly onTokenRefused?: (reason: JwtProblem) => void;
}

/** What the policies of a workload need of this process. One serves all servers of a mesh: it keeps the keys of issuers. */
export function inboundChecks(options: InboundChecksOptions): InboundChecks {
  const { authenticate } = new Authenticator(options);
  const ask = askAbout(options.askService, options.logger);
  return { normalize, authenticate, askService: ask, onDecision: decisionListener(options) };
}
