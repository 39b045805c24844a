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
    const verdict = await ask(call, authorization).catch((error: unknown) => {
      const reason = error instanceof Error ? error.message : 'unknown';
      logger.warn('an authorization service cannot be asked', { service: authorization.name, reason });
      return undefined;
    });
    return verdict === undefined ? unasked(authorization) : act(call, verdict);
  };
}

function unasked({ failOpen, statusOnError }: ExternalAuthorization): Refusal {
  if (failOpen) return undefined;
  return { httpStatus: statusOnError, headers: [reasonHeader, 'unauthorized'], body: '', flags: 'UAEX' };
}

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
