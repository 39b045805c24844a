import { once } from 'node:events';
import { connect } from 'node:net';

/** Sends bytes that no HTTP client would; returns the status of the answer, undefined where the connection was cut. */
export async function sendRaw(port: number, head: string): Promise<{ status: number | undefined; text: string }> {
  const socket = connect(port, '127.0.0.1');
  let text = '';
  socket.setEncoding('latin1').on('data', (chunk) => {
    text += chunk;
  });
  socket.on('error', () => {});
  socket.write(Buffer.from(head, 'latin1'));
  await once(socket, 'close');
  const status = /^HTTP\/1\.1 (\d+)/.exec(text)?.[1];
  return { status: status === undefined ? undefined : Number(status), text };
}

/** A request that asks for the connection to be closed. */
export function request(target: string, headers: readonly string[] = ['Host: shop']): string {
  return [`GET ${target} HTTP/1.1`, ...headers, 'Connection: close', '', ''].join('\r\n');
}
