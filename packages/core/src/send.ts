import type { Call } from './call.js';
import type { Reply, Service } from './service.js';

/**
 * Hands a call to the next service. What is thrown at once becomes a rejection: listeners and transports are not ours alone,
 * and what they throw must not keep a count up. An async function would do the same for twice the price.
 */
export function send<C extends Call>(next: Service<C>, call: C): Promise<Reply> {
  try {
    return next(call);
  } catch (error) {
    return Promise.reject(error);
  }
}
