import { HeaderList } from '@inmesh/core';
import { errors } from 'undici';

type HeaderValue = string | readonly string[] | number | null | undefined;
/** The shapes in which undici's `dispatch` takes headers: a flat array, an object, or pairs (Headers, Map). */
export type RequestHeaders =
  | readonly (string | Buffer)[]
  | Readonly<Record<string, HeaderValue>>
  | Iterable<readonly [string, HeaderValue]>
  | null
  | undefined;

/**
 * Copies headers of any shape into the flat, lower-case form of the call path.
 * @throws what undici throws of headers that are none; what stands in them it checks itself
 */
export function toHeaderList(headers: RequestHeaders): HeaderList {
  const flat: string[] = [];
  if (headers === null || headers === undefined) return new HeaderList(flat);
  if (typeof headers !== 'object') throw new errors.InvalidArgumentError('headers must be an object or an array');
  if (Array.isArray(headers) && !Array.isArray(headers[0])) copyFlat(headers as readonly (string | Buffer)[], flat);
  else if (Symbol.iterator in headers)
    for (const [name, value] of headers as Iterable<readonly [string, HeaderValue]>) push(flat, name, value);
  else for (const name of Object.keys(headers)) push(flat, name, (headers as Record<string, HeaderValue>)[name]);
  return new HeaderList(flat);
}

function copyFlat(headers: readonly (string | Buffer | readonly string[])[], flat: string[]): void {
  if (headers.length % 2 !== 0) throw new errors.InvalidArgumentError('headers array must be even');
  for (let i = 0; i < headers.length; i += 2) {
    const value = headers[i + 1]!;
    push(flat, String(headers[i]), Buffer.isBuffer(value) ? value.toString('latin1') : (value as HeaderValue));
  }
}

function push(flat: string[], name: string, value: HeaderValue): void {
  if (value === undefined) return;
  const lower = name.toLowerCase();
  if (typeof value === 'string') flat.push(lower, value);
  else if (Array.isArray(value)) for (const one of value) flat.push(lower, textOf(lower, one));
  else flat.push(lower, textOf(lower, value));
}

function textOf(name: string, value: unknown): string {
  if (value === null) return '';
  if (typeof value === 'object') throw new errors.InvalidArgumentError(`invalid ${name} header`);
  return String(value);
}
