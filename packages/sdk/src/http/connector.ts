import { Socket } from 'node:net';
import type { Clock, Timer } from '@inmesh/core';
import { buildConnector, errors } from 'undici';
import type { UpstreamTlsContext } from '../identity/upstream-tls.js';

/** Begins to connect, and returns what gives it up: a socket that comes up for nobody holds the process for as long. */
export type Connector = (options: buildConnector.Options, connected: buildConnector.Callback) => () => void;

/**
 * undici's connector with a timeout of our own: undici's timers know half seconds, so that 150 ms would take one second.
 * @param timeoutMs 0 for none
 */
export function createConnector(options: buildConnector.BuildOptions, timeoutMs: number, clock: Clock): Connector {
  const connect = buildConnector({ ...options, timeout: 0 });
  return (target, connected) => {
    let timer: Timer | undefined;
    const started: unknown = connect(target, (...outcome) => {
      timer?.cancel();
      connected(...outcome);
    });
    const giveUp = (error: Error) => {
      timer?.cancel();
      if (started instanceof Socket) started.destroy(error);
    };
    if (timeoutMs > 0) timer = clock.setTimer(timeoutMs, () => giveUp(tookTooLong(target, timeoutMs)));
    return () => giveUp(new errors.ClientDestroyedError());
  };
}

/**
 * The same over TLS, whatever the URL says. Each connection takes the certificate that is in use when it is made, and no
 * session is resumed: a session would carry on an identity that is no more, and skip the look at the server's.
 * @param context throws where there is nothing to make a connection with: none is made then
 */
export function createTlsConnector(
  context: () => UpstreamTlsContext,
  options: buildConnector.BuildOptions,
  timeoutMs: number,
  clock: Clock,
): Connector {
  let made: { readonly of: UpstreamTlsContext; readonly connect: Connector } | undefined;
  return (target, connected) => {
    try {
      const current = context();
      if (made?.of !== current) made = { of: current, connect: tlsConnector(current, options, timeoutMs, clock) };
    } catch (error) {
      queueMicrotask(() => connected(error as Error, null));
      return () => {};
    }
    return made.connect({ ...target, protocol: 'https:', servername: made.of.sni }, connected);
  };
}

function tlsConnector(
  { secureContext, rejectUnauthorized, checkServerIdentity }: UpstreamTlsContext,
  options: buildConnector.BuildOptions,
  timeoutMs: number,
  clock: Clock,
): Connector {
  const tls = { secureContext, rejectUnauthorized, checkServerIdentity, maxCachedSessions: 0 };
  return createConnector({ ...options, ...tls } as buildConnector.BuildOptions, timeoutMs, clock);
}

function tookTooLong({ hostname, port }: buildConnector.Options, timeoutMs: number): Error {
  return new errors.ConnectTimeoutError(`no connection to ${hostname}:${port} within ${timeoutMs} ms`);
}
