export { SnapshotAssembler } from './assemble.js';
export { type CanonicalPath, canonicalPath } from './authorization/canonical-path.js';
export { awaitedInbound, InboundPolicy } from './authorization/inbound-policy.js';
export { canonicalAuthority } from './authorization/path-forms.js';
export { Call, type CallInit } from './call.js';
export type { Clock, Random, Timer } from './clock.js';
export type { ClusterHost, ClusterState, ClusterView, EndpointState, EndpointView } from './cluster-view.js';
export { MeshError, type MeshErrorDetails, type MeshErrorReason, meshErrorReasons } from './errors.js';
export type { Authorize } from './filters/authorization.js';
export { deadlineExceeded } from './filters/deadline.js';
export type { InboundChecks, NotTaken, Refusal } from './filters/inbound-policy.js';
export { chooseRoute } from './filters/route.js';
export { HeaderList } from './header-list.js';
export { type ResolvedHost, splitAuthority } from './host-resolver.js';
export { isTrustDomain, parseSpiffeId, type SpiffeIdResult } from './identity/spiffe-id.js';
export { inbound } from './inbound.js';
export type { Hash64 } from './load-balancer/hash64.js';
export { LocalReply } from './local-reply.js';
export type * from './model/authentication.js';
export type * from './model/authorization.js';
export type * from './model/cluster.js';
export type * from './model/inbound-listener.js';
export type * from './model/listener.js';
export type * from './model/peer.js';
export type * from './model/problem.js';
export { emptyResources, type MeshResources } from './model/resources.js';
export type * from './model/route.js';
export type * from './model/tls.js';
export { outbound } from './outbound.js';
export { backoffDelayMs, defaultBackoff } from './policy/backoff.js';
export { breakerOf } from './policy/breaker-of.js';
export type { BreakerKind, CircuitBreaker } from './policy/circuit-breaker.js';
export { type OutlierKind, outlierKinds } from './policy/outlier-kind.js';
export { RateLimiter, type RateLimiterOptions, type SharedBuckets } from './policy/rate-limiter.js';
export { grpcRetryConditions, httpRetryConditions } from './policy/retry-conditions.js';
export { type Bucket, TokenBucket } from './policy/token-bucket.js';
export { describeProblem } from './resource-problems.js';
export { retryHeaders } from './retry-headers.js';
export type { CallTest } from './router/call-matcher.js';
export {
  describeAuthorityRewrite,
  describeFault,
  describeHashPolicy,
  describeHeaderMutations,
} from './router/explain-action.js';
export { describeMatch, explainMismatch } from './router/explain-match.js';
export { compilePathMatcher } from './router/path-matcher.js';
export { rewritePath } from './router/path-rewrite.js';
export { redirectLocation } from './router/redirect.js';
export { withRequestOverrides } from './router/request-overrides.js';
export { compileStringMatcher, type TextTest } from './router/string-matcher.js';
export { send } from './send.js';
export type { Filter, FinishListener, LocalResponse, Reply, Service } from './service.js';
export { MeshSnapshot, SnapshotHolder } from './snapshot.js';
export { stack } from './stack.js';
export type { AttemptRecorder, CallEnd, CallRecorder, PolicyDecision, Telemetry } from './telemetry.js';
