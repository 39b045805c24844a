import type { Call } from '../call.js';
import { mutateResponseHeaders } from '../router/header-mutation.js';
import type { LocalResponse, Reply } from '../service.js';

/**
 * An answer that the configuration asks for. The route's changes of response headers apply to it as to any other
 * (Envoy filter_manager.cc); a body that they give no type is plain text. Nobody waits for the answer to a cancelled call.
 */
export function answerLocally(call: Call, response: LocalResponse): Promise<Reply> {
  if (call.cancelled !== undefined) return Promise.reject(call.cancelled);
  const reply = call.respond(response);
  mutateResponseHeaders(call, reply);
  if (response.body !== '' && reply.header('content-type') === undefined) reply.setHeader('content-type', 'text/plain');
  return Promise.resolve(reply);
}
