export { requestRotation } from './ca/authority-store.js';
export type { CaOptions } from './ca/ca-options.js';
export { checkResources } from './consistency.js';
export { describeResources } from './describe-resources.js';
export type { Logger } from './logger.js';
export { type ControlPlaneOptions, longestAgeMs } from './options.js';
export { type ControlPlane, startControlPlane } from './server.js';
