import { trafficDistributionAnnotation } from './translate/locality-settings.js';
import { dryRunAnnotation } from './translate/security/rbac-policies.js';
import { exportToAnnotation } from './translate/services.js';

/** All that any translation reads. Others of an object need not be kept, and a change of them changes nothing. */
export const readAnnotations: readonly string[] = Object.freeze([
  exportToAnnotation,
  trafficDistributionAnnotation,
  dryRunAnnotation,
]);
