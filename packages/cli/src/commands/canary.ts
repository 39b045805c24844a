import { analysisFlagsOf, canaryFlags, canaryHelp, readAnalysisFlags, readSteps } from '../canary/canary-flags.js';
import { carryOut } from '../canary/carry-out.js';
import { checkMetricsFlags } from '../canary/open-metrics.js';
import { jsonReport, textReport } from '../canary/report.js';
import { parseOutput, requireTarget } from '../canary/target-flags.js';
import { type Command, parseFlags, UsageError } from '../command.js';
import type { Io } from '../io.js';

export const canary: Command = {
  summary: 'move traffic to a version in steps, watch it, and take it back if it fails',
  help: canaryHelp,
  run,
};

async function run(argv: readonly string[], io: Io): Promise<number> {
  const { values, positionals } = parseFlags(argv, { options: canaryFlags, allowPositionals: true });
  const name = requireTarget(positionals);
  const analysis = analysisFlagsOf(values);
  readAnalysisFlags(analysis);
  const steps = readSteps(values);
  checkMetricsFlags(values);
  const { to, resume = false, rollback = false } = values;
  if (to === '' || (to === undefined && !resume && !rollback)) throw new UsageError('--to is missing');
  if (rollback && (resume || to !== undefined))
    throw new UsageError('--rollback knows by itself what it goes back to: give it alone');
  if (steps !== undefined && (resume || rollback)) {
    throw new UsageError('--steps: a canary that stopped has those that it began with: leave --steps out');
  }
  const emit = parseOutput(values.output) === 'json' ? jsonReport(io, Date.now) : textReport(io);
  return await carryOut({ name, flags: values, analysis, steps, emit });
}
