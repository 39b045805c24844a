import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { startBackend } from './backend-process.js';
import { pinned } from './pin.js';
import { printTable, writeResults } from './report.js';
import { type Measurement, type Rounds, runRounds } from './rounds.js';
import { summarize } from './statistics.js';
import { variantNames } from './variants.js';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '11' },
    requests: { type: 'string', default: '8000' },
    concurrency: { type: 'string', default: '1,16,64' },
    variants: { type: 'string', default: variantNames.join(',') },
    quick: { type: 'boolean', default: false },
    save: { type: 'boolean', default: false },
  },
});

/** `--quick` shows that the harness works; its figures are not to be quoted. */
const plan: Rounds = {
  rounds: values.quick ? 3 : Number(values.rounds),
  requests: values.quick ? 500 : Number(values.requests),
  concurrencies: values.concurrency.split(',').map(Number),
};

async function main(): Promise<void> {
  const backend = await startBackend();
  const names = values.variants.split(',');
  const variants = names.map((name) => ({
    name,
    process: fork(fileURLToPath(new URL('variant-process.js', import.meta.url)), [name, backend.url], pinned(0)),
  }));
  try {
    const measurements: Measurement[] = await runRounds(variants, plan, (line) => process.stderr.write(`${line}\n`));
    const summary = summarize(measurements, 'raw-pool');
    printTable(summary, backend.kind);
    if (values.save) writeResults({ plan, backend: backend.kind, measurements, summary });
  } finally {
    for (const { process: child } of variants) child.kill();
    backend.close();
  }
}

await main();
