import { parse } from 'yaml';
import type { ClientView, LoadOptions } from '../src/index.js';

/** Who a golden file is for, when its first line says so: `# client: { namespace: default, labels: { app: edge } }`. */
export function clientIn(text: string): LoadOptions {
  const written = /^# client: (\{.*\})$/m.exec(text)?.[1];
  return written === undefined ? {} : { client: parse(written) as ClientView };
}
