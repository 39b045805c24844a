import { expect, it } from 'vitest';
import { clientsHelp } from '../src/ca-flags.js';

it.each([
  ['0.0.0.0:15012', 'HOST:15012'],
  ['[::]:15012', 'HOST:15012'],
  ['127.0.0.1:15012', '127.0.0.1:15012'],
  ['[::1]:15012', '[::1]:15012'],
])('Where the server listens at %s, clients are told of %s', (tls, told) => {
  expect(clientsHelp({} as never, tls)).toContain(` INMESH_CA=${told} `);
});
