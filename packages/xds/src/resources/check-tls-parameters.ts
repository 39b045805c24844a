import { TlsParameters_TlsProtocol as Protocol, type TlsParameters } from '../messages.js';
import type { FieldScope } from './field-scope.js';
import { reportUnsupported } from './field-support.js';

/** TLS 1.2 and 1.3 are spoken, whichever the other side prefers: what allows less or only older ones is refused. */
export function checkTlsParameters(message: TlsParameters | undefined, at: FieldScope): void {
  if (message === undefined) return;
  reportUnsupported(message, at);
  const { tlsMinimumProtocolVersion: minimum, tlsMaximumProtocolVersion: maximum } = message;
  if (minimum === Protocol.TLSv1_3)
    at.field('tls_minimum_protocol_version').error('TLSv1_3 is not supported: TLS 1.2 is taken');
  if (maximum !== Protocol.TLS_AUTO && maximum < Protocol.TLSv1_2) {
    at.field('tls_maximum_protocol_version').error('must be TLSv1_2 or TLSv1_3: older ones are not spoken');
  }
}
