import type { NumberEdit } from '@inmesh/config';
import { Conflict } from '../canary/outcome.js';
import { isHeld } from '../canary/record.js';
import { revisionWarnings } from '../canary/routes/routed-object.js';
import { editsTo, findSplit, meantIn, type Split, type Weights, writtenWeights } from '../canary/routes/split.js';
import type { Loaded, Target } from '../canary/target/target.js';
import type { Shares } from './shift-flags.js';

export interface ShiftOptions {
  readonly target: Target;
  readonly shares: Shares;
  /** Of the versions, where several have some of these names. */
  readonly host?: string | undefined;
  readonly force: boolean;
  readonly dryRun: boolean;
  readonly now: () => number;
}

export interface Shifted {
  readonly split: Split;
  readonly before: Weights;
  readonly after: Weights;
  readonly warnings: readonly string[];
}

const maxStale = 10;

/**
 * Sets the weights of all rules that have the versions.
 * @throws Conflict for weights that are somebody else's, or a canary's; Error when a rule lacks a version
 */
export async function shiftWeights(options: ShiftOptions): Promise<Shifted> {
  const { target, dryRun } = options;
  for (let stale = 0; stale < maxStale; stale += 1) {
    const loaded = await target.load();
    const split = splitOf(options, loaded);
    const [before, after] = [writtenWeights(split), weightsOf(split, options)];
    if (!options.force) checkOwner(options, loaded);
    const edits: NumberEdit[] = editsTo(split, after);
    // One that is at work has to find its own record, to see that it is not alone; one that stopped has nothing left to do.
    const record = loaded.record && isHeld(loaded.record, options.now()) ? loaded.record : undefined;
    if (dryRun) await target.rehearse(loaded, edits);
    if (dryRun || (await target.save(loaded, edits, record)) === 'saved') {
      return { split, before, after, warnings: revisionWarnings(loaded.object) };
    }
  }
  throw new Error(`${target.description} changes all the time: nothing was written`);
}

/** The rules that have all of the versions, in whichever order they are named. */
function splitOf({ target, shares, host }: ShiftOptions, { object }: Loaded): Split {
  const versions = [...shares.keys()];
  const request = { kind: target.kind, object, context: target.context, target: target.name, host };
  try {
    const splits = versions.map((to) => findSplit({ ...request, to }));
    const has = (split: Split, label: string) => split.rules.some((rule) => rule.label === label);
    const rules = splits[0]!.rules.filter(({ label }) => splits.every((split) => has(split, label)));
    if (rules.length > 0) return { ...splits[0]!, rules };
    throw new Error(`no rule has all of ${versions.join(', ')}`);
  } catch (error) {
    throw new Error(`${target.description}: ${(error as Error).message}`);
  }
}

function weightsOf({ rules }: Split, { shares, target, host }: ShiftOptions): Weights {
  return rules.map((rule) => {
    const percents = new Map<number | undefined, number>();
    for (const [to, percent] of shares) percents.set(meantIn(rule, { to, target: target.name, host }), percent);
    if (percents.size < shares.size) {
      throw new Error(
        `${target.description}: ${rule.label} has one destination for two of ${[...shares.keys()].join(', ')}`,
      );
    }
    return rule.shares.map((_, at) => percents.get(at) ?? 0);
  });
}

function checkOwner({ target, now }: ShiftOptions, loaded: Loaded): void {
  const { record } = loaded;
  if (record !== undefined) {
    const end = `${target.commands.canary} --rollback`;
    const is = isHeld(record, now())
      ? `is under way: stop it (Ctrl-C), and end it with ${end}`
      : `has stopped half-way: end it with ${end}`;
    throw new Conflict(`a canary of ${target.description} to ${record.to} ${is}, or take the weights with --force`);
  }
  const owner = target.owner(loaded);
  if (owner === undefined) return;
  const whose = `the weights of ${target.description} belong to ${owner}, which will write its own again`;
  throw new Conflict(`${whose}: have it ignore them (docs/canary.md), or take them with --force`);
}
