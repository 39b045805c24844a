import type { FieldPath } from '../objects.js';
import { ownValue } from '../own-value.js';
import type { Secret } from '../schema/secret.js';
import type { Problem } from './problem.js';

export interface SecretValue {
  readonly path: FieldPath;
  readonly bytes: Uint8Array;
}

export type SecretValueResult =
  | { readonly kind: 'value'; readonly value: SecretValue }
  | { readonly kind: 'absent' }
  | { readonly kind: 'broken'; readonly problem: Problem };

/** Whether there is a value that is not empty. */
export function hasValue(secret: Secret, name: string): boolean {
  const { written } = find(secret, name);
  return written !== undefined && written !== null && written !== '';
}

/** A value of a Secret by its name; as in Kubernetes, `stringData` overrides `data`. */
export function readValue(secret: Secret, name: string): SecretValueResult {
  if (!hasValue(secret, name)) return { kind: 'absent' };
  const { path, written, isEncoded } = find(secret, name);
  if (typeof written !== 'string') return broken(path, 'should be a text');
  if (!isEncoded) return { kind: 'value', value: { path, bytes: Buffer.from(written) } };
  const compact = written.replace(/\s/g, '');
  if (!isBase64(compact)) {
    const hint = written.includes('-----BEGIN') ? 'PEM as it is belongs in stringData' : undefined;
    return broken(path, 'is not base64', hint);
  }
  return { kind: 'value', value: { path, bytes: Buffer.from(compact, 'base64') } };
}

function find({ data = {}, stringData = {} }: Secret, name: string) {
  const text = ownValue(stringData, name);
  if (text !== undefined) return { path: ['stringData', name], written: text, isEncoded: false };
  return { path: ['data', name], written: ownValue(data, name), isEncoded: true };
}

function isBase64(text: string): boolean {
  return text.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(text);
}

function broken(path: FieldPath, message: string, hint?: string): SecretValueResult {
  return { kind: 'broken', problem: { severity: 'error', path, message, hint } };
}
