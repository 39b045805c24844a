export { MeshError, type MeshErrorReason } from '@inmesh/core';
export { createMesh } from './create-mesh.js';
export { type ExplainRequest, type Explanation, explainSnapshot, formatExplanation } from './explain.js';
export type { GuardPolicy } from './guard/guard-policy.js';
export type { MeshFetch } from './http/fetch.js';
export type { Logger } from './logger.js';
export type { Mesh, MeshStatus } from './mesh.js';
export type { MeshOptions } from './options.js';
export type { TelemetryPlugin } from './telemetry/plugin.js';
