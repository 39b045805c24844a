import type { Socket } from 'node:net';
import type { Clock } from '@inmesh/core';

/** RFC 8446 5.1, `handshake`: no method of HTTP begins with it. */
const handshakeRecord = 0x16;

/**
 * Calls back once it is known whether a connection begins with TLS. Every byte is still there for who reads it next.
 * @param timeoutMs how long to wait for the first one; the connection is closed then
 */
export function onFirstByte(socket: Socket, timeoutMs: number, clock: Clock, told: (isTls: boolean) => void): void {
  const timer = clock.setTimer(timeoutMs, () => socket.destroy());
  const ignore = () => {};
  const end = () => socket.destroy();
  const done = () => {
    timer.cancel();
    socket.off('readable', look);
    socket.off('end', end);
    socket.off('close', done);
  };
  const look = () => {
    const bytes: Buffer | null = socket.read();
    if (bytes === null) return;
    done();
    socket.unshift(bytes);
    // Whoever takes it listens for errors in the same turn.
    told(bytes[0] === handshakeRecord);
    socket.off('error', ignore);
  };
  socket.on('error', ignore);
  socket.on('readable', look);
  socket.on('end', end);
  socket.on('close', done);
}
