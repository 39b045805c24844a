import { ruleWeights } from '../canary/events.js';
import { exitCodes, outcomeOf } from '../canary/outcome.js';
import { describeWeights } from '../canary/routes/split.js';
import { openTarget, parseOutput, requireTarget, targetFlags, targetHelp } from '../canary/target-flags.js';
import { type Command, parseFlags } from '../command.js';
import { type Io, writeLine } from '../io.js';
import { parseShares } from '../shift/shift-flags.js';
import { type Shifted, type ShiftOptions, shiftWeights } from '../shift/shift-weights.js';

const options = { to: { type: 'string' }, ...targetFlags } as const;

export const shift: Command = {
  summary: 'set how much of the traffic each version gets, at once',
  help: `inmesh shift TARGET --to v2
inmesh shift TARGET --to v2=30,v1=70

Sets the weights of a VirtualService, HTTPRoute or GRPCRoute, once. TARGET is a name, or KIND/NAME.

  --to VERSION         all traffic goes to it, a subset or a service: v2 is the subset v2, or the service TARGET-v2
  --to V=N,V=N,...     percents that add up to 100; versions that are not named get nothing
${targetHelp}

Exit code: 0 done, 2 called wrongly, 3 nothing was changed: the weights are somebody else's, or could not be read or written.`,
  run,
};

async function run(argv: readonly string[], io: Io): Promise<number> {
  const { values, positionals } = parseFlags(argv, { options, allowPositionals: true });
  const name = requireTarget(positionals);
  const shares = parseShares(values.to);
  const isJson = parseOutput(values.output) === 'json';
  const dryRun = values['dry-run'] === true;
  const done = await outcomeOf(async () => {
    const target = await openTarget(name, values);
    try {
      const { host, force = false } = values;
      const asked: ShiftOptions = { target, shares, host, force, dryRun, now: Date.now };
      return { target: target.description, ...(await shiftWeights(asked)) };
    } finally {
      await target.close();
    }
  });
  if ('kind' in done) return refuse(io, isJson, name, done);
  for (const warning of done.value.warnings) writeLine(io.err, `inmesh shift: warning: ${warning}`);
  tell(io, isJson, dryRun, done.value);
  return 0;
}

function tell(
  io: Io,
  isJson: boolean,
  dryRun: boolean,
  { target, split, before, after }: Shifted & { target: string },
): void {
  const outcome = dryRun ? 'planned' : 'shifted';
  const line = isJson
    ? JSON.stringify(
        summary(outcome, 0, target, { before: ruleWeights(split, before), weights: ruleWeights(split, after) }),
      )
    : `${target}: ${outcome} from ${describeWeights(split, before)} to ${describeWeights(split, after)}`;
  writeLine(io.out, line);
}

function refuse(
  io: Io,
  isJson: boolean,
  target: string,
  { kind, reason }: { readonly kind: keyof typeof exitCodes; readonly reason?: string | undefined },
): number {
  const exitCode = exitCodes[kind];
  if (isJson) writeLine(io.out, JSON.stringify(summary(kind, exitCode, target, { reason })));
  else writeLine(io.err, `inmesh shift: ${reason}`);
  return exitCode;
}

function summary(outcome: string, exitCode: number, target: string, more: object): object {
  return { time: new Date().toISOString(), event: 'summary', outcome, exitCode, target, ...more };
}
