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
  readonly start?: InboundChecks['start'];
  /** Why there is no configuration, or why it may be old. */
  readonly sourceProblem?: () => string | undefined;
  readonly onTokenRefused?: (reason: JwtProblem) => void;
}

/** What the policies of a workload need of this process. One serves all servers of a mesh: it keeps the keys of issuers. */
export function inboundChecks(options: InboundChecksOptions): InboundChecks {
  const { authenticate } = new Authenticator(options);
  const ask = askAbout(options.askService, options.logger);
  const { start } = options;
  return { normalize, authenticate, askService: ask, ...(start && { start }), ...decisionListener(options) };
}
