import { expect, it } from 'vitest';
import { connectionHint } from './connection-hint.js';

it.each([
  ['connect ECONNREFUSED 127.0.0.1:1', /nothing listens/],
  ['error:0A00010B:SSL routines:ssl3_get_record:wrong version number', /speaks plain text.*mesh\.createServer/],
  ['ERR_SSL_WRONG_VERSION_NUMBER', /speaks plain text/],
  ['self-signed certificate in certificate chain', /another root/],
  ['unable to verify the first certificate', /no authority that this workload trusts/],
])('%s has a hint', (text, hint) => {
  expect(connectionHint(text)).toMatch(hint);
});

it('other errors have none', () => {
  expect(connectionHint('read ECONNRESET')).toBeUndefined();
});
