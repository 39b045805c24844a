import { once } from 'node:events';
import { Agent, type ClientRequest, type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http';

export interface Answer {
  readonly status: number | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface Sending {
  readonly path?: string;
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string;
  readonly agent?: Agent;
}

/** A request on a connection of its own, unless an agent is given. */
export function start(port: number, { path = '/', method = 'GET', headers = {}, body, agent }: Sending): ClientRequest {
  const options = { host: '127.0.0.1', port, path, method, headers, agent: agent ?? new Agent() };
  const sent = request(options);
  sent.end(body);
  return sent;
}

export async function send(port: number, sending: Sending = {}): Promise<Answer> {
  const sent = start(port, sending);
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  let body = '';
  for await (const chunk of response) body += chunk;
  return { status: response.statusCode, headers: response.headers, body };
}
