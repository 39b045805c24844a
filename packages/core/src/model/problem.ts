/** What is wrong with one resource of a configuration. It stays until the resource comes in order, or is not needed any more. */
export interface ResourceProblem {
  readonly kind: 'listener' | 'route' | 'cluster' | 'endpoint';
  /** Empty for a resource too broken to tell its name. */
  readonly name: string;
  /** With the field, where it is one, e.g. `connect_timeout: must be more than zero`. */
  readonly reason: string;
  /** Whether an earlier version is in use: calls go on then (gRFC A88: an ambient error). Else they fail with the reason. */
  readonly servesLastGood: boolean;
}
