import { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { type PeerRefusal, refusePeer } from '../../identity/refusal.js';

/** Alerts by which a client says that it does not take the certificate (RFC 8446 6.2). */
const distrust = /ALERT_(?:UNKNOWN_CA|BAD_CERTIFICATE|CERTIFICATE_UNKNOWN|CERTIFICATE_EXPIRED)/;

export function failedHandshake({ code = 'unknown' }: NodeJS.ErrnoException): PeerRefusal {
  return refusePeer('handshake', `the TLS handshake failed: ${code}${guess(code)}`);
}

function guess(code: string): string {
  if (code === 'ECONNRESET') return ', the client hung up; it may not trust this certificate';
  return distrust.test(code) ? ', the client does not trust this certificate' : '';
}

/**
 * The connection below. TLS that has failed no longer knows its ends, and Node has no public name for what it stood on, which
 * remembers those that were asked for before.
 */
export function connectionBelow(socket: TLSSocket): Socket {
  const below: unknown = Reflect.get(socket, '_parent');
  return below instanceof Socket ? below : socket;
}
