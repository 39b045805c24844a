import { Socket } from 'node:net';
import type { Clock, Timer } from '@inmesh/core';
import { buildConnector, errors } from 'undici';

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

function tookTooLong({ hostname, port }: buildConnector.Options, timeoutMs: number): Error {
  return new errors.ConnectTimeoutError(`no connection to ${hostname}:${port} within ${timeoutMs} ms`);
}
