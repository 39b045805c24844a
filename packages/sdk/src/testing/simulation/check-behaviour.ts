import type { Behaviour } from './behaviour.js';

/** The fields that each kind of behaviour takes. */
const fieldsOf: { readonly [Kind in Behaviour['kind']]: readonly string[] } = {
  answer: ['kind', 'status', 'headers', 'latencyMs', 'bodyMs'],
  handle: ['kind', 'handler'],
  refuse: ['kind'],
  hang: ['kind'],
  reset: ['kind', 'latencyMs'],
};

/**
 * Tests are often plain JavaScript, where a misspelt field would change what a test shows without a word.
 * @throws TypeError that names the field
 */
export function checkBehaviour(behaviour: Behaviour): Behaviour {
  const kind: string = behaviour?.kind;
  if (!Object.hasOwn(fieldsOf, kind)) {
    throw new TypeError(`behaviour.kind: ${JSON.stringify(kind)} is none of ${Object.keys(fieldsOf).join(', ')}`);
  }
  const known = fieldsOf[behaviour.kind];
  const unknown = Object.keys(behaviour).find((field) => !known.includes(field));
  if (unknown !== undefined) {
    throw new TypeError(`behaviour.${unknown}: "${kind}" has no such field; there are ${known.join(', ')}`);
  }
  return behaviour;
}

/** @throws TypeError unless it is `ip:port` or `[ip]:port`, as endpoints are named */
export function checkAddress(address: string): void {
  if (/^(\d{1,3}(\.\d{1,3}){3}|\[[\da-f:.]+\]):\d{1,5}$/i.test(address)) return;
  throw new TypeError(`${JSON.stringify(address)} is no address: ip:port, or [ip]:port for IPv6`);
}
