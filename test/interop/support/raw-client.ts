import { once } from 'node:events';
import { connect as netConnect } from 'node:net';
import { connect, type TLSSocket } from 'node:tls';
import type { TestIdentity } from '../../support/mesh-authority.js';

export interface Peer {
  readonly host: string;
  readonly port: number;
  readonly identity: TestIdentity;
  /** Empty: none is sent. */
  readonly serverName: string;
  readonly localAddress: string;
}

export interface RawAnswer {
  /** 0 where the connection was closed without an answer. */
  readonly status: number;
  readonly head: string;
  readonly body: string;
}

/** Sends bytes as they are over mutual TLS, one request at a time; a connection is used again while both sides keep it. */
export class RawClient {
  readonly #idle = new Map<string, TLSSocket>();

  async send(peer: Peer, bytes: Buffer, hasBody: boolean): Promise<RawAnswer> {
    const key = [peer.host, peer.port, peer.identity.spiffeId, peer.serverName, peer.localAddress].join();
    const kept = this.#idle.get(key);
    this.#idle.delete(key);
    const isFresh = kept === undefined || kept.destroyed || kept.readableEnded;
    const socket = isFresh ? await open(peer) : kept;
    const answer = await exchange(socket, bytes, hasBody);
    // One that was closed while it waited has said nothing of the request.
    if (answer.status === 0 && !isFresh) return this.send(peer, bytes, hasBody);
    if (!socket.destroyed && !/\r\nconnection: close/i.test(answer.head)) this.#idle.set(key, socket);
    else socket.destroy();
    return answer;
  }

  async close(): Promise<void> {
    for (const socket of this.#idle.values()) socket.destroy();
    this.#idle.clear();
  }
}

async function open({ host, port, identity, serverName, localAddress }: Peer): Promise<TLSSocket> {
  const certificate = { cert: identity.chain, key: identity.key, rejectUnauthorized: false };
  const plain = netConnect({ host, port, localAddress });
  const socket = connect({ socket: plain, servername: serverName, ...certificate });
  await once(socket, 'secureConnect');
  socket.on('error', () => {});
  return socket;
}

/** Until the answer is whole, or the connection is over. */
async function exchange(socket: TLSSocket, bytes: Buffer, hasBody: boolean): Promise<RawAnswer> {
  let text = '';
  return new Promise((resolve) => {
    const settle = (answer: RawAnswer) => {
      socket.off('data', read).off('close', ended).off('end', ended);
      resolve(answer);
    };
    const ended = () => {
      socket.destroy();
      settle(parse(text, hasBody)?.answer ?? { status: 0, head: '', body: '' });
    };
    const read = (chunk: Buffer) => {
      text += chunk.toString('latin1');
      const parsed = parse(text, hasBody);
      if (parsed?.isWhole) settle(parsed.answer);
    };
    socket.on('data', read).once('close', ended).once('end', ended);
    socket.write(bytes);
  });
}

function parse(text: string, hasBody: boolean): { answer: RawAnswer; isWhole: boolean } | undefined {
  const end = text.indexOf('\r\n\r\n');
  if (end < 0) return undefined;
  const head = text.slice(0, end);
  const body = text.slice(end + 4);
  const status = Number(head.split(' ')[1]);
  const length = /\r\ncontent-length: (\d+)/i.exec(head)?.[1];
  const isChunked = /\r\ntransfer-encoding: chunked/i.test(head);
  const isWhole = !hasBody || (isChunked ? body.endsWith('0\r\n\r\n') : body.length >= Number(length ?? Number.NaN));
  return { answer: { status, head, body }, isWhole };
}
