import { setTimeout as sleep } from 'node:timers/promises';
import type { Product } from '../services/product.js';

const everyMs = 100;

/** Asks for the product until no part of it is missing. */
export async function untilComplete(url: string, withinMs: number): Promise<void> {
  const deadline = Date.now() + withinMs;
  for (;;) {
    const missing = await missingParts(url).catch((error) => String(error));
    if (missing === '') return;
    if (Date.now() > deadline) throw new Error(`the page is not complete after ${withinMs} ms: ${missing}`);
    await sleep(everyMs);
  }
}

async function missingParts(url: string): Promise<string> {
  const response = await fetch(url, { signal: AbortSignal.timeout(2000) });
  const { details, reviews } = (await response.json()) as Product;
  return [details, reviews].flatMap((part) => ('error' in part ? [part.error] : [])).join('; ');
}
