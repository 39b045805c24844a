import type { CompiledChain, CompiledFilter, InboundPolicy } from '../authorization/inbound-policy.js';
import type { Call } from '../call.js';
import type { JwtAuthentication } from '../model/authentication.js';
import type { ExternalAuthorization } from '../model/authorization.js';
import type { PathNormalization } from '../model/inbound-listener.js';
import type { Filter, LocalResponse, Reply, Service } from '../service.js';
import type { MeshSnapshot } from '../snapshot.js';
import type { PolicyDecision } from '../telemetry.js';
import { interruptible } from '../wait.js';

/** What refuses a call; undefined where nothing does. */
export type Refusal = LocalResponse | undefined;

/** Why no chain takes a call: there is no configuration yet, or none for plain text, or none for TLS. */
export type NotTaken = 'not_ready' | 'plaintext' | 'tls';

/** What decides with more than the call itself: keys that are fetched, services that are asked. */
export interface InboundChecks {
  /**
   * Refuses a request that cannot be judged because it may be read in several ways. `path` is given where policies decide
   * by it: what the handler sees is then the path that they saw.
   */
  readonly normalize: (call: Call, path: PathNormalization | undefined) => Refusal;
  /** Sets `call.token` where there is a good one. */
  readonly authenticate: (call: Call, authentication: JwtAuthentication) => Refusal | Promise<Refusal>;
  readonly askService: (call: Call, authorization: ExternalAuthorization) => Refusal | Promise<Refusal>;
  /** Told of each decision by policies. */
  readonly onDecision: (call: Call, decision: PolicyDecision) => void;
  /**
   * Asked of each call for as long as nobody knows what is demanded: calls wait for the promise, and are judged by the snapshot
   * it brings. `open`: they are let in unjudged; `closed`: they are refused. Default: closed.
   */
  readonly start?: () => 'open' | 'closed' | Promise<MeshSnapshot>;
  /** Told of each call that no chain takes. */
  readonly onNotTaken?: (call: Call, reason: NotTaken) => void;
}

/**
 * Refuses what this workload's policies refuse: a connection that no chain takes, a bad token, then custom, deny and allow
 * policies in the order of the chain. A process without policies pays for one look.
 */
export function inboundPolicyFilter(checks: InboundChecks): Filter {
  return (next) => serveBy(checks, next);
}

function serveBy<C extends Call>(checks: InboundChecks, next: Service<C>): Service<C> {
  const judge = judgeBy(checks, next);
  const serve: Service<C> = (call) => {
    const { inbound } = call.snapshot;
    if (inbound === undefined) return next(call);
    return inbound.listener.isAwaited === true ? serveAwaited(call, inbound) : judge(call, inbound);
  };
  const serveAwaited = (call: C, inbound: InboundPolicy): Promise<Reply> => {
    const start = checks.start?.() ?? 'closed';
    if (start === 'closed') return judge(call, inbound);
    if (start === 'open') return next(call);
    return interruptible(call, start).then((snapshot) => {
      call.snapshot = snapshot;
      return serve(call);
    });
  };
  return serve;
}

function judgeBy<C extends Call>(
  checks: InboundChecks,
  next: Service<C>,
): (call: C, inbound: InboundPolicy) => Promise<Reply> {
  return (call, inbound) => {
    const { connection } = call;
    const chain = inbound.chainOf(connection?.localPort ?? 0, connection?.isTls === true ? 'tls' : 'plaintext');
    const refusal = chain === undefined ? notTaken(call, inbound, checks) : checkAll(call, chain, checks);
    const go = (refused: Refusal): Promise<Reply> => {
      if (call.cancelled !== undefined) return Promise.reject(call.cancelled);
      return refused === undefined ? next(call) : Promise.resolve(call.respond(refused));
    };
    return refusal instanceof Promise ? refusal.then(go) : go(refusal);
  };
}

function checkAll(call: Call, compiled: CompiledChain, checks: InboundChecks): Refusal | Promise<Refusal> {
  const { chain, usesPath } = compiled;
  const refusal = checks.normalize(call, usesPath ? (chain.pathNormalization ?? 'base') : undefined);
  return refusal ?? check(call, compiled, 0, checks);
}

/** From the filter at `index` on; a promise only where one has to wait. */
function check(call: Call, chain: CompiledChain, index: number, checks: InboundChecks): Refusal | Promise<Refusal> {
  for (let i = index; i < chain.filters.length; i += 1) {
    const refusal = apply(call, chain.filters[i]!, checks);
    if (refusal instanceof Promise) return refusal.then((refused) => refused ?? check(call, chain, i + 1, checks));
    if (refusal !== undefined) return refusal;
  }
  return undefined;
}

function apply(call: Call, filter: CompiledFilter, checks: InboundChecks): Refusal | Promise<Refusal> {
  switch (filter.kind) {
    case 'jwt':
      return checks.authenticate(call, filter.authentication);
    case 'externalAuthorization': {
      const isAsked = filter.when === undefined || filter.when(call).policy !== undefined;
      return isAsked ? checks.askService(call, filter.authorization) : undefined;
    }
    case 'rbac': {
      const { action, shadow } = filter;
      const { allowed, policy } = filter.engine(call);
      checks.onDecision(call, { action, allowed, shadow, policy });
      return allowed || shadow ? undefined : denied;
    }
  }
}

/** Envoy's words (rbac_filter.cc), so that what is known of them holds. */
const denied: LocalResponse = Object.freeze({
  httpStatus: 403,
  headers: ['content-type', 'text/plain', 'x-inmesh-reason', 'unauthorized'],
  body: 'RBAC: access denied',
  flags: 'UAEX',
});

function notTaken(call: Call, { listener }: InboundPolicy, checks: InboundChecks): LocalResponse {
  const isTls = call.connection?.isTls === true;
  const reason = listener.isAwaited === true ? 'not_ready' : isTls ? 'tls' : 'plaintext';
  checks.onNotTaken?.(call, reason);
  return notTakenResponses[reason];
}

const notTakenResponses: Readonly<Record<NotTaken, LocalResponse>> = Object.freeze({
  not_ready: {
    httpStatus: 503,
    headers: ['content-type', 'text/plain', 'x-inmesh-reason', 'not_ready'],
    body: 'this server has no configuration yet',
    flags: '-',
  },
  plaintext: { ...denied, body: 'plain text is not taken on this port: mutual TLS is required' },
  tls: { ...denied, body: 'TLS is not taken on this port' },
});
