/** `npm run test:scale` runs the tests of scale at full length; `npm test` a slice of each. */
export const isFull = process.env.INMESH_SCALE === 'full';

/** What a test of scale takes of something. */
export function atScale<Amount>({ slice, full }: { readonly slice: Amount; readonly full: Amount }): Amount {
  return isFull ? full : slice;
}
