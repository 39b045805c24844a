/** What clients of Istio offer beside the protocol, or in its place, where their cluster settles it: then that is HTTP/1.1. */
const inMesh = 'istio';

/**
 * By ALPN. Undefined: the handshake fails.
 * @param own in the order of preference
 */
export function chooseProtocol(own: readonly string[], offered: readonly string[]): string | undefined {
  const shared = own.find((protocol) => offered.includes(protocol));
  return shared ?? (own.includes('http/1.1') && offered.includes(inMesh) ? inMesh : undefined);
}
