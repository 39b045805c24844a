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
    processes: { type: 'string', default: '5' },
    rounds: { type: 'string', default: '3' },
    requests: { type: 'string', default: '8000' },
    concurrency: { type: 'string', default: '1,16,64' },
    variants: { type: 'string', default: variantNames.join(',') },
    quick: { type: 'boolean', default: false },
    save: { type: 'boolean', default: false },
  },
});

/** `--quick` shows that the harness works; its figures are not to be quoted. */
const plan: Rounds = {
  rounds: values.quick ? 2 : Number(values.rounds),
  requests: values.quick ? 500 : Number(values.requests),
  concurrencies: values.concurrency.split(',').map(Number),
};

const log = (line: string) => process.stderr.write(`${line}\n`);

/** Fresh processes each time: how one of them happens to be compiled shifts all of its rounds alike. */
async function measure(names: readonly string[], url: string, repeat: number): Promise<Measurement[]> {
  log(`processes ${repeat}`);
  const program = fileURLToPath(new URL('variant-process.js', import.meta.url));
  const variants = names.map((name) => ({ name, process: fork(program, [name, url], pinned(0)) }));
  try {
    const measured = await runRounds(variants, plan, log);
    return measured.map((one) => ({ ...one, round: one.round + (repeat - 1) * plan.rounds }));
  } finally {
    for (const { process: child } of variants) child.kill();
  }
}

async function main(): Promise<void> {
  const backend = await startBackend();
  const measurements: Measurement[] = [];
  try {
    const repeats = values.quick ? 1 : Number(values.processes);
    for (let repeat = 1; repeat <= repeats; repeat += 1) {
      measurements.push(...(await measure(values.variants.split(','), backend.url, repeat)));
    }
  } finally {
    backend.close();
  }
  const summary = summarize(measurements, 'raw-pool');
  printTable(summary, backend.kind);
  if (values.save) writeResults({ plan, backend: backend.kind, measurements, summary });
}

await main();
