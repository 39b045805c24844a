import { map, type ObjectOf, object, oneOf, type TypeOf } from './field.js';
import { portProblem, selector } from './security-checks.js';

// Istio 1.27 security/v1beta1/peer_authentication.proto, field by field.

const mutualTls = object({ mode: oneOf('UNSET', 'DISABLE', 'PERMISSIVE', 'STRICT') });

const spec = object({ selector, mtls: mutualTls, portLevelMtls: map(mutualTls, portProblem) });

/** A policy without a spec says what the one above it says. */
export const peerAuthenticationFields = { spec };

export type PeerAuthentication = ObjectOf<typeof peerAuthenticationFields>;
export type MutualTlsMode = NonNullable<TypeOf<typeof mutualTls>['mode']>;
