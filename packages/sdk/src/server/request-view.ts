import type { IncomingMessage } from 'node:http';

/** Has a handler see this in the place of all headers of the name; undefined: none. In each of Node's three forms. */
export function showHeader(req: IncomingMessage, name: string, value: string | undefined): void {
  const { rawHeaders, headers, headersDistinct } = req;
  for (let i = rawHeaders.length - 2; i >= 0; i -= 2) {
    if (rawHeaders[i]!.toLowerCase() === name) rawHeaders.splice(i, 2);
  }
  if (value === undefined) {
    delete headers[name];
    if (headersDistinct !== undefined) delete headersDistinct[name];
    return;
  }
  rawHeaders.push(name, value);
  headers[name] = value;
  if (headersDistinct !== undefined) headersDistinct[name] = [value];
}
