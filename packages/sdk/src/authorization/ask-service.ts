import {
  type Call,
  compileStringMatcher,
  type ExternalAuthorization,
  type InboundChecks,
  type LocalResponse,
  type Refusal,
  type StringMatcher,
} from '@inmesh/core';
import type { Logger } from '../logger.js';
import { reasonHeader } from '../server/answer-error.js';

/** What a service of Envoy's `ext_authz` says. Header names are lower-case. */
export type Verdict =
  | {
      readonly kind: 'allowed';
      /** For the handler, in the place of what came by these names. */
      readonly requestHeaders: readonly (readonly [name: string, value: string])[];
      readonly removedHeaders: readonly string[];
      readonly responseHeaders: readonly (readonly [name: string, value: string])[];
    }
  | { readonly kind: 'denied'; readonly response: LocalResponse };

/** Rejects where the service could not be asked, or has failed. */
export type AskService = (call: Call, authorization: ExternalAuthorization) => Promise<Verdict>;

export function askAbout(ask: AskService, logger: Logger): InboundChecks['askService'] {
  return async (call, authorization) => {
    const { deadline } = call;
    // The service has the time of its own that was configured: a client that leaves none must not have it fail.
    call.deadline = Number.POSITIVE_INFINITY;
    const verdict = await ask(call, authorization).catch((error: unknown) => {
      const reason = error instanceof Error ? error.message : 'unknown';
      logger.warn('an authorization service cannot be asked', { service: authorization.name, reason });
      return unasked(authorization, error);
    });
    call.deadline = deadline;
    return verdict === undefined || 'httpStatus' in verdict ? verdict : act(call, verdict);
  };
}

/** `failOpen` is for the failures of the service alone, not for what cannot be sent to it. */
function unasked({ failOpen, statusOnError }: ExternalAuthorization, error: unknown): Refusal {
  if (failOpen && !isOfRequest(error)) return undefined;
  return { httpStatus: statusOnError, headers: [reasonHeader, 'unauthorized'], body: '', flags: 'UAEX' };
}

/** What undici and Node do not send is the client's doing. */
function isOfRequest(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { code = '' } = error as NodeJS.ErrnoException;
  return (
    error instanceof UnaskableRequest ||
    /^(UND_)?ERR_(INVALID|NOT_SUPPORTED|HTTP)/.test(code) ||
    isOfRequest(error.cause)
  );
}

/** A request that no service can be asked about. */
export class UnaskableRequest extends Error {}

function act(call: Call, verdict: Verdict): Refusal {
  if (verdict.kind === 'denied') return verdict.response;
  for (const name of verdict.removedHeaders) call.rewriteHeader(name, undefined);
  for (const [name, value] of verdict.requestHeaders) call.rewriteHeader(name, value);
  for (const [name, value] of verdict.responseHeaders) call.presetResponseHeader(name, value);
  return undefined;
}

/** What a service that says no has the client told; Envoy calls a body that has no type plain text. */
export function refusalOf(
  httpStatus: number,
  headers: readonly (readonly [name: string, value: string])[],
  body: string,
): Verdict {
  const isTyped = body === '' || headers.some(([name]) => name === 'content-type');
  const type = isTyped ? [] : ['content-type', 'text/plain'];
  const response = {
    ...{ httpStatus, body, flags: 'UAEX' },
    headers: [...headers.flat(), ...type, reasonHeader, 'unauthorized'],
  };
  return { kind: 'denied', response };
}

/** Whether a header's name is one of those listed. */
export function nameTest(matchers: readonly StringMatcher[]): (name: string) => boolean {
  const tests = matchers.map(compileStringMatcher);
  return (name) => tests.some((test) => test(name));
}

/** Of a cluster by Istio's name `outbound|8000||authz.ns.svc.cluster.local`. @throws Error for one of another name */
export function authorityOfCluster(cluster: string): string {
  const [direction, port, , host] = cluster.split('|');
  if (direction !== 'outbound' || !port || !host) throw new Error(`cluster ${cluster} is not named after a service`);
  return `${host}:${port}`;
}
