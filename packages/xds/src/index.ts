export { secretContent } from './client/identity-streams/read-secret.js';
export { hideKeys } from './hide-keys.js';
export { type AnyDecodeResult, decodeAny } from './resources/decode-any.js';
export { decodeCluster } from './resources/decode-cluster.js';
export { decodeClusterLoadAssignment } from './resources/decode-endpoint.js';
export { decodeListener } from './resources/decode-listener.js';
export { pathTemplateProblem } from './resources/decode-path-template.js';
export { decodeResources, type ResourceWarning } from './resources/decode-resources.js';
export {
  type DecodeResult,
  type FieldError,
  formatResourceError,
  type ResourceError,
} from './resources/decode-result.js';
export { decodeRouteConfiguration } from './resources/decode-route-configuration.js';
export { nobody, ownCertificate, ownTrust } from './resources/decode-tls-sources.js';
export type { FieldSupport } from './resources/field-support/support.js';
export { fieldSupport } from './resources/field-support.js';
export { isInboundName } from './resources/inbound-name.js';
export { compileRegex, type RegexResult } from './resources/regex.js';
export type { ResourceSet } from './resources/resource-set.js';
export type { DecodedResources, WireResources } from './resources/resource-types.js';
export { headerValueProblem, substitutionProblem } from './resources/route-text-checks.js';
export {
  kindOf,
  type ResourceKind,
  resourceKinds,
  type ServedKind,
  servedKindOf,
  servedKinds,
  typeUrls,
} from './resources/type-urls.js';
