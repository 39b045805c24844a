import type { NumberEdit } from '@inmesh/config';
import { Conflict } from '../canary/outcome.js';
import { isHeld } from '../canary/record.js';
import { isMeant } from '../canary/routes/destination.js';
import {
  describeWeights,
  editsTo,
  findSplit,
  type Split,
  type Weights,
  writtenWeights,
} from '../canary/routes/split.js';
import type { Loaded, Target } from '../canary/target/target.js';
import type { Shares } from './shift-flags.js';

export interface ShiftOptions {
  readonly target: Target;
  readonly shares: Shares;
  readonly force: boolean;
  readonly dryRun: boolean;
  readonly now: () => number;
}

export interface Shifted {
  readonly split: Split;
  readonly before: Weights;
  readonly after: Weights;
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
    if (dryRun || (await target.save(loaded, edits, record)) === 'saved') {
      return { split, before, after };
    }
  }
  throw new Error(`${target.description} changes all the time: nothing was written`);
}

function splitOf({ target, shares }: ShiftOptions, { object }: Loaded): Split {
  const [first] = shares.keys();
  try {
    return findSplit({ kind: target.kind, object, context: target.context, to: first!, target: target.name });
  } catch (error) {
    throw new Error(`${target.description}: ${(error as Error).message}`);
  }
}

function weightsOf(split: Split, { shares, target }: ShiftOptions): Weights {
  return split.rules.map(({ label, shares: destinations }) => {
    const missing = new Set(shares.keys());
    const weights = destinations.map(({ destination }) => {
      const version = [...missing].find((one) => isMeant(destination, one, target.name));
      if (version === undefined) return 0;
      missing.delete(version);
      return shares.get(version)!;
    });
    const [lacking] = missing;
    if (lacking !== undefined) {
      const found = describeWeights(split, writtenWeights(split));
      throw new Error(`${target.description}: ${label} has no destination that is called ${lacking}: it has ${found}`);
    }
    return weights;
  });
}

function checkOwner({ target, now }: ShiftOptions, loaded: Loaded): void {
  const { record } = loaded;
  if (record !== undefined) {
    const is = isHeld(record, now()) ? 'is under way' : 'has stopped half-way';
    throw new Conflict(
      `a canary of ${target.description} to ${record.to} ${is}: end it, or take the weights with --force`,
    );
  }
  const owner = target.owner(loaded);
  if (owner === undefined) return;
  const whose = `the weights of ${target.description} belong to ${owner}, which will write its own again`;
  throw new Conflict(`${whose}: have it ignore them (docs/canary.md), or take them with --force`);
}
