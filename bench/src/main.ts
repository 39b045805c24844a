import { fork } from 'node:child_process';
import { rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { startBackend } from './backend-process.js';
import { makeIdentities } from './identities.js';
import { pinned } from './pin.js';
import { printTable, type Results, writeResults } from './report.js';
import { type Measurement, type Rounds, runRounds } from './rounds.js';
import { summarize } from './statistics.js';
import { suiteOf } from './suites.js';

const { values } = parseArgs({
  options: {
    suite: { type: 'string', default: 'http' },
    processes: { type: 'string', default: '5' },
    rounds: { type: 'string', default: '3' },
    requests: { type: 'string', default: '8000' },
    concurrency: { type: 'string', default: '1,16,64' },
    variants: { type: 'string' },
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

const suite = suiteOf(values.suite);
const log = (line: string) => process.stderr.write(`${line}\n`);

/** Fresh processes each time: how one of them happens to be compiled shifts all of its rounds alike. */
async function measure(names: readonly string[], target: readonly string[], repeat: number): Promise<Measurement[]> {
  log(`processes ${repeat}`);
  const program = fileURLToPath(new URL('variant-process.js', import.meta.url));
  const start = (name: string) => fork(program, [values.suite, name, ...target], pinned(0));
  const variants = names.map((name) => ({ name, process: start(name) }));
  try {
    const measured = await runRounds(variants, plan, log);
    return measured.map((one) => ({ ...one, round: one.round + (repeat - 1) * plan.rounds }));
  } finally {
    for (const { process: child } of variants) child.kill();
  }
}

async function measureSuite(identities: string): Promise<Results> {
  const names = Object.keys(suite.variants);
  const backend = await startBackend(suite.backend, identities);
  const measurements: Measurement[] = [];
  try {
    const repeats = values.quick ? 1 : Number(values.processes);
    const wanted = values.variants?.split(',') ?? names;
    for (let repeat = 1; repeat <= repeats; repeat += 1) {
      measurements.push(...(await measure(wanted, [String(backend.port), identities], repeat)));
    }
  } finally {
    backend.close();
  }
  const [baseline = '', control = ''] = names;
  const summary = summarize(measurements, baseline);
  return { suite: values.suite, baseline: suite.baseline, control, plan, backend: backend.kind, measurements, summary };
}

const identities = await makeIdentities();
try {
  const results = await measureSuite(identities);
  printTable(results);
  if (values.save) writeResults(results);
} finally {
  rmSync(identities, { recursive: true });
}
