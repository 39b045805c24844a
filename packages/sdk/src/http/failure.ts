import { MeshError } from '@inmesh/core';
import { connectionHint } from '../connection-hint.js';
import { peerRefusedCode } from '../identity/upstream-tls.js';

/** Errors of undici that blame the request itself, not the way to the upstream: no retry can mend them. */
const requestErrors = new Set([
  'UND_ERR_INVALID_ARG',
  'UND_ERR_REQ_CONTENT_LENGTH_MISMATCH',
  'UND_ERR_NOT_SUPPORTED',
  'UND_ERR_INVALID_RETURN_VALUE',
  // Of a body that ended early, and of one that gave something other than bytes or text.
  'UND_ERR_ABORTED',
  'ERR_INVALID_ARG_TYPE',
]);

const protocolErrors = new Set(['UND_ERR_HEADERS_OVERFLOW', 'UND_ERR_RES_EXCEEDED_MAX_SIZE']);
const timeouts = new Set(['UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT']);

/**
 * What an error of the transport means to the mesh.
 * @param maybeSent whether the request had been given a connection: from then on the upstream may have seen it
 */
export function toFailure(error: unknown, maybeSent: boolean): MeshError {
  if (MeshError.is(error)) return error;
  const { code, message: words } =
    error instanceof Error ? (error as NodeJS.ErrnoException) : { code: undefined, message: String(error) };
  // OpenSSL ends its words with a new line.
  const message = words.trim();
  const details = { message, cause: error, maybeSent };
  if (code !== undefined && requestErrors.has(code)) return new MeshError('invalid_request', details);
  if (code !== undefined && timeouts.has(code)) return new MeshError('upstream_request_timeout', details);
  if (!maybeSent) return new MeshError('upstream_connection_failure', { ...details, hint: connectHint(code, message) });
  if (isProtocolError(error, code)) return new MeshError('upstream_protocol_error', details);
  return new MeshError('upstream_connection_termination', details);
}

/** What the caller's handler is told: its own reason when it cancelled, undici's own error when the request was wrong. */
export function toCallerError(failure: MeshError): Error {
  const ownReason = failure.reason === 'caller_cancelled' || failure.reason === 'invalid_request';
  return ownReason && failure.cause instanceof Error ? failure.cause : failure;
}

function isProtocolError(error: unknown, code: string | undefined): boolean {
  return (
    (error instanceof Error && error.name === 'HTTPParserError') || (code !== undefined && protocolErrors.has(code))
  );
}

function connectHint(code: string | undefined, message: string): string | undefined {
  if (code === 'UND_ERR_CONNECT_TIMEOUT')
    return 'no answer to the connection: a firewall, a NetworkPolicy or a dead node';
  if (code === peerRefusedCode) return 'another process may answer at that address, or subjectAltNames be out of date';
  return connectionHint(`${code} ${message}`);
}
