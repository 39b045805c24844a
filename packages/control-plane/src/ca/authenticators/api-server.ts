import { request } from 'node:https';

/** A Kubernetes API server. What rotates is read for each question. */
export interface ApiServer {
  /** `https://host:port` */
  readonly url: string;
  /** PEM. */
  readonly authorities: () => string;
  readonly token: () => string;
  /** Default 5 s. */
  readonly timeoutMs?: number;
}

const maxAnswerBytes = 1024 * 1024;

/** @throws Error that says why there is no answer, and shows nothing of what was sent */
export async function postJson(apiServer: ApiServer, path: string, body: object): Promise<unknown> {
  const content = JSON.stringify(body);
  const headers = {
    authorization: `Bearer ${apiServer.token()}`,
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(content),
  };
  const signal = AbortSignal.timeout(apiServer.timeoutMs ?? 5000);
  const ca = apiServer.authorities();
  const text = await new Promise<string>((resolve, reject) => {
    const sent = request(
      new URL(path, apiServer.url),
      { method: 'POST', headers, ca, signal, agent: false },
      (answer) => {
        if (answer.statusCode !== 200 && answer.statusCode !== 201) {
          answer.destroy();
          reject(new Error(`it answers with ${answer.statusCode}`));
          return;
        }
        let received = '';
        answer.setEncoding('utf8');
        answer.on('data', (chunk: string) => {
          received += chunk;
          if (received.length > maxAnswerBytes) answer.destroy(new Error('its answer is too long'));
        });
        answer.on('end', () => resolve(received));
        answer.on('error', reject);
      },
    );
    sent.on('error', reject);
    sent.end(content);
  });
  try {
    return JSON.parse(text);
  } catch {
    throw new Error('its answer is not JSON');
  }
}
