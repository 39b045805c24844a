import type { Call, JwtProvider } from '@inmesh/core';
import type { ParsedToken } from './parse-token.js';

/** Headers that say what was verified: only the mesh may set them, so what clients send by these names goes first. */
export function removeClaimHeaders(call: Call, providers: readonly JwtProvider[]): void {
  for (const { claimHeaders, payloadHeader } of providers) {
    if (payloadHeader !== undefined && call.headers.has(payloadHeader)) call.rewriteHeader(payloadHeader, undefined);
    for (const { header } of claimHeaders) if (call.headers.has(header)) call.rewriteHeader(header, undefined);
  }
}

export function setClaimHeaders(call: Call, provider: JwtProvider, token: ParsedToken): void {
  if (provider.payloadHeader !== undefined) call.rewriteHeader(provider.payloadHeader, token.payload);
  for (const { header, claim } of provider.claimHeaders) {
    const value = textOf(claimAt(token.claims, claim));
    if (value !== undefined) call.rewriteHeader(header, value);
  }
}

/** Lists and objects as JSON in base64, as Envoy does. Undefined where there is none, or no header could hold it. */
function textOf(claim: unknown): string | undefined {
  if (claim === undefined || claim === null) return undefined;
  if (typeof claim === 'object') return Buffer.from(JSON.stringify(claim)).toString('base64');
  const text = String(claim);
  return /^[\x20-\x7e]*$/.test(text) ? text : undefined;
}

function claimAt(claims: unknown, path: readonly string[]): unknown {
  let current = claims;
  for (const name of path) {
    if (typeof current !== 'object' || current === null || !Object.hasOwn(current, name)) return undefined;
    current = (current as Record<string, unknown>)[name];
  }
  return current;
}
