import { Conflict } from './outcome.js';
import { type AnalysisFlags, type CanaryRecord, isHeld, newRun, ownHolder, renewMs, silentMs } from './record.js';
import {
  currentPercent,
  describeWeights,
  editsTo,
  findSplit,
  type Split,
  type Weights,
  weightsAt,
  writtenWeights,
} from './routes/split.js';
import type { Loaded, Target } from './target/target.js';

export interface SessionOptions {
  readonly target: Target;
  /** Undefined: what the canary that is resumed goes to. */
  readonly to: string | undefined;
  /** Of the version, where several have one of its name. */
  readonly host?: string | undefined;
  /** Undefined: those of the canary that is resumed, or 5, 10, 25, 50, 100. */
  readonly steps?: readonly number[] | undefined;
  /** Kept for whoever goes on; one that goes on has those that it began with where these say nothing. */
  readonly flags?: AnalysisFlags | undefined;
  /** Whether there must be a canary to go on with. */
  readonly mustResume: boolean;
  /** Take weights that are somebody else's. */
  readonly force: boolean;
  /** Wall clock, in ms. */
  readonly now: () => number;
  readonly warn: (message: string) => void;
  /** Told of the weights whenever they are known: as they were read, and as they were written. */
  readonly saw?: (split: Split, weights: Weights) => void;
}

/** What is to be written. */
export interface Opening {
  readonly loaded: Loaded;
  readonly split: Split;
  readonly record: CanaryRecord;
  readonly isResumed: boolean;
  /** Steps that it begins beyond. */
  readonly skipped: readonly number[];
}

const usualSteps = [5, 10, 25, 50, 100];

/** Objects that change all the time are not ours to write. */
const maxStale = 10;

/**
 * Finds out what there is to do, and whether it may be done. Nothing is written yet.
 * @throws Conflict for weights that are somebody else's; Error when there is nothing to shift
 */
export async function plan(options: SessionOptions): Promise<Opening> {
  const loaded = await options.target.load();
  return loaded.record === undefined ? planAnew(options, loaded) : planToResume(options, loaded, loaded.record);
}

function planAnew(options: SessionOptions, loaded: Loaded): Opening {
  const { target, to, host, mustResume, force, now, warn, flags = {} } = options;
  if (mustResume || to === undefined) throw new Conflict(`there is no canary of ${target.description} to go on with`);
  const split = splitOf(options, loaded, { to, host });
  const owner = target.owner(loaded);
  if (owner !== undefined) {
    const whose = `the weights of ${target.description} belong to ${owner}, which will write its own again`;
    if (!force) throw new Conflict(`${whose}: have it ignore them (docs/canary.md), or take them with --force`);
    warn(whose);
  }
  const original = writtenWeights(split);
  const asked = options.steps ?? usualSteps;
  const steps = stepsFrom(split, original, asked);
  if (steps.length === 0) throw new Error(`${to} has all the traffic already`);
  const time = new Date(now()).toISOString();
  const position = { run: newRun(), to, ...(host !== undefined && { host }), steps, step: 0 };
  const record = {
    ...{ ...position, started: time, original, holder: ownHolder, renewed: time },
    ...(Object.keys(flags).length > 0 && { flags }),
  };
  weightsAt(split, original, 100);
  return { loaded, split, record, isResumed: false, skipped: asked.filter((percent) => !steps.includes(percent)) };
}

/** Those that are not behind it already. */
function stepsFrom(split: Split, original: Weights, steps: readonly number[]): number[] {
  return steps.filter((percent) => percent > currentPercent(split, original));
}

function planToResume(options: SessionOptions, loaded: Loaded, record: CanaryRecord): Opening {
  const { target, to = record.to, host = record.host, now, force } = options;
  const { canary } = target.commands;
  const percent = record.steps[record.step];
  const of = record.host === undefined ? record.to : `${record.to} of ${record.host}`;
  if (isHeld(record, now(), force ? silentMs : undefined)) {
    throw new Conflict(
      `another canary of ${target.description} is under way, to ${of} at ${percent} % (${record.holder}, ${record.renewed})`,
    );
  }
  if (to !== record.to || host !== record.host) {
    throw new Conflict(
      `a canary of ${target.description} to ${of} stopped at ${percent} %: end it with ${canary} --resume, or --rollback`,
    );
  }
  const split = splitOf(options, loaded, record);
  // It may have stopped between the two writes of a file, its record and its weights.
  const before =
    record.step === 0 ? record.original : weightsAt(split, record.original, record.steps[record.step - 1]!);
  const change = changeOf(options, loaded, split, record, [weightsOf(split, record), before]);
  if (change !== undefined) options.warn(change);
  const { steps = record.steps } = options;
  if (stepsFrom(split, record.original, steps).join() !== record.steps.join()) {
    const began = `began with the steps ${record.steps.join()}, and not with ${steps.join()}`;
    throw new Conflict(
      `the canary of ${target.description} to ${of} ${began}: leave --steps out, or take it back first: ${canary} --rollback`,
    );
  }
  const mine = { run: newRun(), holder: ownHolder, renewed: new Date(now()).toISOString() };
  const flags = { ...record.flags, ...options.flags };
  return { loaded, split, record: { ...record, ...mine, flags }, isResumed: true, skipped: [] };
}

function splitOf(
  { target, saw }: SessionOptions,
  { object }: Loaded,
  { to, host }: Pick<CanaryRecord, 'to' | 'host'>,
): Split {
  try {
    const split = findSplit({ kind: target.kind, object, context: target.context, to, host, target: target.name });
    saw?.(split, writtenWeights(split));
    return split;
  } catch (error) {
    throw new Error(`${target.description}: ${(error as Error).message}`);
  }
}

function weightsOf(split: Split, { original, steps, step }: CanaryRecord): Weights {
  return weightsAt(split, original, steps[step]!);
}

/** What is said of weights that are none of these; undefined: they are. @throws Conflict for them, unless they are taken back */
function changeOf(
  { target, force }: SessionOptions,
  loaded: Loaded,
  split: Split,
  { original }: CanaryRecord,
  expected: readonly Weights[],
): string | undefined {
  const who = target.blame(loaded) ?? 'somebody';
  if (!hasShapeOf(original, split)) {
    const message = `${target.description}: ${who} has changed its routes, and the canary's weights have no place any more`;
    throw new Conflict(`${message}: once the weights are what they should be, ${target.commands.forget}`);
  }
  const found = writtenWeights(split);
  if (expected.some((weights) => areEqual(weights, found))) return undefined;
  const what = `${describeWeights(split, found)}, and not ${describeWeights(split, expected[0]!)} as the canary left them`;
  const message = `${target.description}: ${who} has changed the weights: they are ${what}`;
  if (force) return message;
  const { canary, forget } = target.commands;
  throw new Conflict(
    `${message}. Take them back: ${canary} --rollback --force (or --resume); or leave them: ${forget}`,
  );
}

function areEqual(a: Weights, b: Weights): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

function hasShapeOf(original: Weights, { rules }: Split): boolean {
  return rules.length === original.length && rules.every(({ shares }, at) => shares.length === original[at]?.length);
}

/** One run of a canary: the only one who writes the weights of its target, as long as nobody else does. */
export class Session {
  #record: CanaryRecord;
  #split: Split;
  /** What it ends with, once it is to end. */
  #last: Weights | undefined;
  readonly isResumed: boolean;

  private constructor(
    private readonly options: SessionOptions,
    { record, split, isResumed }: Opening,
  ) {
    this.#record = record;
    this.#split = split;
    this.isResumed = isResumed;
  }

  /**
   * Takes the weights of the first step, or goes on with those of a canary that stopped.
   * @param planned of a moment ago: it is planned anew where the object has changed since
   * @throws as `plan`
   */
  static async begin(options: SessionOptions, planned?: Opening): Promise<Session> {
    for (let stale = 0; stale < maxStale; stale += 1) {
      const opening = (stale === 0 ? planned : undefined) ?? (await plan(options));
      const { loaded, split, record } = opening;
      const weights = weightsOf(split, record);
      if ((await options.target.save(loaded, editsTo(split, weights), record)) === 'stale') continue;
      options.saw?.(split, weights);
      return new Session(options, opening);
    }
    throw changesTooFast(options.target);
  }

  get record(): CanaryRecord {
    return this.#record;
  }

  get split(): Split {
    return this.#split;
  }

  get percent(): number {
    return this.#record.steps[this.#record.step]!;
  }

  get weights(): Weights {
    return weightsOf(this.#split, this.#record);
  }

  /** @param stableP99Ms what to compare with while the stable version has no traffic; undefined: as before */
  async goTo(step: number, stableP99Ms = this.#record.stableP99Ms): Promise<void> {
    await this.#write({ ...this.#record, step, ...(stableP99Ms !== undefined && { stableP99Ms }) });
  }

  /** Looks whether all is as it was left, and says from time to time that somebody is there. @throws Conflict */
  async renew(): Promise<void> {
    const change = this.#check(await this.options.target.load());
    if (change !== undefined) this.options.warn(change);
    const isDue = this.options.now() - Date.parse(this.#record.renewed) >= renewMs;
    if (isDue || change !== undefined) await this.#write(this.#record);
  }

  /** The weights stay; another process may go on at once. */
  async release(): Promise<void> {
    await this.#write({ ...this.#record, holder: undefined });
  }

  async promote(): Promise<void> {
    await this.#finish(this.weights);
  }

  async rollBack(): Promise<void> {
    await this.#finish(this.#record.original);
  }

  async #finish(weights: Weights): Promise<void> {
    this.#last = weights;
    await this.#save(() => ({ weights, record: undefined }));
  }

  async #write(next: CanaryRecord): Promise<void> {
    const record = { ...next, renewed: new Date(this.options.now()).toISOString() };
    await this.#save((split) => ({ weights: weightsOf(split, record), record }));
    this.#record = record;
  }

  async #save(change: (split: Split) => { weights: Weights; record: CanaryRecord | undefined }): Promise<void> {
    const { target, saw } = this.options;
    for (let stale = 0; stale < maxStale; stale += 1) {
      const loaded = await target.load();
      if (this.#hasEnded(loaded)) return;
      this.#check(loaded);
      const { weights, record } = change(this.#split);
      if ((await target.save(loaded, editsTo(this.#split, weights), record)) === 'stale') continue;
      saw?.(this.#split, weights);
      return;
    }
    throw changesTooFast(target);
  }

  /** The answer to its last write was lost, and not the write. */
  #hasEnded(loaded: Loaded): boolean {
    if (this.#last === undefined || loaded.record !== undefined) return false;
    return areEqual(writtenWeights(splitOf(this.options, loaded, this.#record)), this.#last);
  }

  #check(loaded: Loaded): string | undefined {
    const { target } = this.options;
    if (loaded.record?.run !== this.#record.run) {
      const who = target.blame(loaded);
      const gone = `its state is gone from ${target.recordPlace}${who === undefined ? '' : `, and ${who} wrote last`}`;
      const what = loaded.record === undefined ? gone : `${loaded.record.holder ?? 'another'} took it over`;
      throw new Conflict(`${target.description}: this canary is no longer in charge: ${what}`);
    }
    const split = splitOf(this.options, loaded, this.#record);
    // With the same run it is our own record, even if the answer to what we wrote was lost.
    this.#record = { ...this.#record, step: loaded.record.step };
    const change = changeOf(this.options, loaded, split, this.#record, [weightsOf(split, this.#record)]);
    this.#split = split;
    return change;
  }
}

function changesTooFast({ description }: Target): Error {
  return new Error(`${description} changes all the time: nothing was written`);
}
