export {
  MeshError,
  type MeshErrorReason,
  type PeerIdentity,
  type ResourceProblem,
  type VerifiedToken,
} from '@inmesh/core';
export { createMesh } from './create-mesh.js';
export { type ExplainRequest, type Explanation, explainSnapshot } from './explain.js';
export { formatExplanation } from './format-explanation.js';
export type { GuardPolicy } from './guard/guard-policy.js';
export type { MeshFetch } from './http/fetch.js';
export type { Identity, IdentitySource, WorkloadCertificate } from './identity/identity.js';
export type { IdentityFiles } from './identity/identity-files.js';
export type { IdentityOption, IdentityPlace, IdentityStatus } from './identity/open-identity.js';
export type { Logger } from './logger.js';
export type { Mesh, MeshStatus } from './mesh.js';
export type { MeshOptions } from './options.js';
export type { RequestMesh } from './server/request-mesh.js';
export type { GrpcBootstrap, GrpcXdsServer, XdsOption } from './source-choice.js';
export type { TelemetryPlugin } from './telemetry/plugin.js';
