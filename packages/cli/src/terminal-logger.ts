import type { Logger } from '@inmesh/control-plane';
import { type Io, writeLine } from './io.js';

/** Lines for people. Issues begin with their place in the file, which editors and terminals make a link of. */
export function terminalLogger(to: Io['out']): Logger {
  const log = (message: string, fields?: object) => {
    writeLine(to, fields === undefined ? message : `${message} ${JSON.stringify(fields)}`);
  };
  return { info: log, warn: log, error: log };
}
