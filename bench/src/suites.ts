import { grpc } from './variants/grpc.js';
import { http } from './variants/http.js';
import { mtls } from './variants/mtls.js';
import type { Suite } from './variants/variant.js';

export const suites: Readonly<Record<string, Suite>> = { http, mtls, grpc };

/** @throws Error that names those there are */
export function suiteOf(name: string): Suite {
  const suite = suites[name];
  if (suite === undefined) throw new Error(`no suite ${name}; there are ${Object.keys(suites).join(', ')}`);
  return suite;
}
