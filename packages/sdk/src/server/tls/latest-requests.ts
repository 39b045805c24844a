import { ServerResponse } from 'node:http';
import { Socket } from 'node:net';

/** What the last request of each connection is answered by; a socket for one that has become a tunnel. */
export class LatestRequests {
  readonly #answers = new WeakMap<Socket, ServerResponse | Socket>();
  readonly #ending = new WeakSet<Socket>();

  set(socket: Socket, answer: ServerResponse | Socket): void {
    this.#answers.set(socket, answer);
  }

  /** Ends a connection when what it has begun is answered; a tunnel is left to who ends it otherwise. */
  endAfter(socket: Socket): void {
    if (this.#ending.has(socket)) return;
    this.#ending.add(socket);
    const answer = this.#answers.get(socket);
    if (answer instanceof ServerResponse && !answer.writableFinished && !answer.closed) endWith(answer, socket);
    else if (!(answer instanceof Socket)) socket.destroySoon();
  }
}

function endWith(res: ServerResponse, socket: Socket): void {
  if (!res.headersSent) res.setHeader('connection', 'close');
  res.once('close', () => socket.destroySoon());
}
