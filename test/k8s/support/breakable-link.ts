import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** A TCP forwarder on loopback whose connections can be cut or go silent, as those over a network do. */
export class BreakableLink {
  readonly #open = new Set<readonly [Socket, Socket]>();

  private constructor(
    private readonly server: Server,
    private target: number,
  ) {}

  static async to(port: number): Promise<BreakableLink> {
    const server = createServer({ noDelay: true });
    const link = new BreakableLink(server, port);
    const open = () => connect({ port: link.target, host: '127.0.0.1', noDelay: true });
    server.on('connection', (client) => link.#forward(client, open()));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return link;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  /** How many connections are open. */
  get size(): number {
    return this.#open.size;
  }

  /** New connections go to this port. */
  lead(port: number): void {
    this.target = port;
  }

  /** All that are open now, with a reset; new ones pass. Returns how many there were. */
  cut(): number {
    const count = this.#open.size;
    for (const pair of this.#open) for (const socket of pair) socket.resetAndDestroy();
    return count;
  }

  /** No byte passes any more over those that are open now, but they stay open; new ones pass. */
  silence(): void {
    for (const [client, server] of this.#open) {
      client.unpipe(server).pause();
      server.unpipe(client).pause();
    }
  }

  async close(): Promise<void> {
    const closed = once(this.server, 'close');
    this.server.close();
    for (const pair of this.#open) destroy(pair);
    await closed;
  }

  #forward(client: Socket, server: Socket): void {
    const pair = [client, server] as const;
    this.#open.add(pair);
    client.pipe(server).pipe(client);
    for (const socket of pair) {
      // An end is passed on by the pipe, after what was sent before it; a failure is not.
      socket.on('error', () => destroy(pair));
      socket.on('close', () => {
        if (pair.every(({ closed }) => closed)) this.#open.delete(pair);
      });
    }
  }
}

function destroy(pair: readonly Socket[]): void {
  for (const socket of pair) socket.destroy();
}
