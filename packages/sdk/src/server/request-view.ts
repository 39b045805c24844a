import type { IncomingMessage } from 'node:http';

/** Has a handler see this in the place of all headers of the name; undefined: none. In each of Node's three forms. */
export function showHeader(req: IncomingMessage, name: string, value: string | undefined): void {
  const { rawHeaders, headers, headersDistinct } = req;
  removePairs(rawHeaders, name);
  if (value === undefined) {
    delete headers[name];
    if (headersDistinct !== undefined) delete headersDistinct[name];
    return;
  }
  rawHeaders.push(name, value);
  headers[name] = value;
  if (headersDistinct !== undefined) headersDistinct[name] = [value];
}

/** Takes all trailers of the name from a request whose body has ended. */
export function hideTrailer(req: IncomingMessage, name: string): void {
  // Node makes the two of the raw ones when they are asked for first.
  const { trailers, trailersDistinct, rawTrailers } = req;
  delete trailers[name];
  if (trailersDistinct !== undefined) delete trailersDistinct[name];
  removePairs(rawTrailers, name);
}

function removePairs(raw: string[], name: string): void {
  for (let i = raw.length - 2; i >= 0; i -= 2) {
    if (raw[i]!.toLowerCase() === name) raw.splice(i, 2);
  }
}
