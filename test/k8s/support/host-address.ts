import { networkInterfaces } from 'node:os';

/**
 * An address of this machine that an EndpointSlice may have, which one of loopback may not.
 * @throws when the machine has none
 */
export function hostAddress(): string {
  const found = Object.values(networkInterfaces())
    .flatMap((addresses = []) => addresses)
    .find(({ family, internal, address }) => family === 'IPv4' && !internal && !address.startsWith('169.254.'));
  if (found === undefined) throw new Error('this test needs a machine with an IPv4 address that is not of loopback');
  return found.address;
}
