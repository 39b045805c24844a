import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { LoopOrder, LoopResult } from './loop.js';

export interface Rounds {
  readonly rounds: number;
  readonly requests: number;
  readonly concurrencies: readonly number[];
}

export interface Measurement extends LoopResult {
  readonly variant: string;
  readonly concurrency: number;
  readonly round: number;
}

interface VariantProcess {
  readonly name: string;
  readonly process: ChildProcess;
}

/** A round asks every variant once, in a new random order, so that a slow moment of the machine meets all of them alike. */
export async function runRounds(
  variants: readonly VariantProcess[],
  { rounds, requests, concurrencies }: Rounds,
  log: (line: string) => void,
): Promise<Measurement[]> {
  await Promise.all(variants.map(({ process }) => once(process, 'message')));
  const measurements: Measurement[] = [];
  for (const concurrency of concurrencies) {
    log(`warming up, c=${concurrency}`);
    for (const variant of variants) await ask(variant, { requests, concurrency });
    for (let round = 1; round <= rounds; round += 1) {
      log(`c=${concurrency} round ${round} of ${rounds}`);
      for (const variant of shuffled(variants)) {
        const result = await ask(variant, { requests, concurrency });
        measurements.push({ variant: variant.name, concurrency, round, ...result });
      }
    }
  }
  return measurements;
}

async function ask(variant: VariantProcess, order: LoopOrder): Promise<LoopResult> {
  variant.process.send(order);
  const waiting = new AbortController();
  const died = once(variant.process, 'exit', { signal: waiting.signal }).then(() => {
    throw new Error(`the process of ${variant.name} ended`);
  });
  died.catch(() => {}); // told by the race, or given up when the answer is there
  const [result] = (await Promise.race([once(variant.process, 'message'), died])) as [LoopResult];
  waiting.abort();
  return result;
}

function shuffled<T>(items: readonly T[]): T[] {
  const copy = [...items];
  for (let i = copy.length - 1; i > 0; i -= 1) {
    const j = Math.floor(Math.random() * (i + 1));
    [copy[i], copy[j]] = [copy[j]!, copy[i]!];
  }
  return copy;
}
