import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** Requests whose response has not had its turn on their connection. */
const queued = new WeakMap<Socket, Set<() => void>>();

/**
 * Calls back when the response is closed, or its connection before the response has had its turn on it.
 * Returns what ends the listening.
 */
export function onClosed(req: IncomingMessage, res: ServerResponse, closed: () => void): () => void {
  res.on('close', closed);
  // Node closes the response that is on the connection, and leaves pipelined ones behind it untold.
  const leaveQueue = res.socket === null ? queueOn(req.socket, closed) : undefined;
  return () => {
    res.off('close', closed);
    leaveQueue?.();
  };
}

function queueOn(socket: Socket, closed: () => void): () => void {
  const queue = queued.get(socket) ?? startQueue(socket);
  queue.add(closed);
  return () => queue.delete(closed);
}

/** One listener for the life of a connection that pipelines, however many requests wait on it. */
function startQueue(socket: Socket): Set<() => void> {
  const queue = new Set<() => void>();
  queued.set(socket, queue);
  socket.once('close', () => {
    for (const closed of queue) closed();
  });
  return queue;
}
