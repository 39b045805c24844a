import type { Client } from './client.js';
import { type Issue, IssueList, type IssueSink } from './issues.js';
import type { ObjectsByKind } from './read-objects.js';
import type { BackendTlsPolicies } from './translate/backend-tls/backend-tls-policies.js';
import type { Delegates } from './translate/delegates.js';
import type { DestinationRules } from './translate/destination-rules.js';
import type { Egress } from './translate/egress.js';
import type { NodeIndex } from './translate/nodes.js';
import type { RateLimits } from './translate/rate-limits.js';
import type { Registry } from './translate/registry.js';
import type { PeerModes } from './translate/security/peer-modes.js';
import type { ServiceRoutes } from './translate/service-routes.js';
import type { VirtualServices } from './translate/virtual-services.js';
import type { PodIndex } from './translate/workloads.js';

/** What results depend on beside their inputs. Each is set before the first question to it, and not changed after that. */
export interface World {
  client: Client;
  pods: PodIndex;
  nodes: NodeIndex;
  registry: Registry;
  destinationRules: DestinationRules;
  backendTls: BackendTlsPolicies;
  delegates: Delegates;
  virtualServices: VirtualServices;
  serviceRoutes: ServiceRoutes;
  grants: ObjectsByKind['ReferenceGrant'];
  rateLimits: RateLimits;
  egress: Egress;
  peerModes: PeerModes;
  /** The names of the clusters that routes lead to. */
  referenced: ReadonlySet<string>;
}

type IsSame = (a: never, b: never) => boolean;

interface Question {
  readonly of: keyof World;
  /** Who answered last: as long as it is the same, so is the answer. */
  asked: unknown;
  readonly ask: (answerer: never) => unknown;
  readonly answer: unknown;
  readonly isSame: IsSame;
}

interface Result {
  readonly inputs: readonly unknown[];
  readonly questions: readonly Question[];
  readonly issues: readonly Issue[];
  readonly value: unknown;
  lastUsed: number;
}

/** What a result that is being made was told and has said so far. */
interface Recording {
  readonly questions: Question[];
  readonly asked: Set<Question['ask']>;
  readonly issues: Issue[];
}

const runLength = 64;

/**
 * Makes a translation cost what has changed: a result is made anew only when it would be another. It is kept with the
 * questions that were asked while it was made, which are asked again, in their order, until an answer is different: so a
 * result is also one for all clients that agree in what was asked, and what is asked of a client is the same as without a
 * memory. Equal results are the same object, by which those who serialize and check know them.
 *
 * What is made must follow from the owner, the inputs and the answers alone, and must not be changed by whoever gets it.
 */
export class Memory implements IssueSink {
  readonly #results = new Map<string, WeakMap<object, Result[]>>();
  readonly #root = {};
  #world: Partial<World> = {};
  #issues = new IssueList();
  #recording: Recording | undefined;
  #round = 0;
  #madeAside: { readonly results: Result[]; readonly result: Result }[] | undefined;

  /** Begins a round: what was used in none of the last two may be forgotten. */
  beginRound(): void {
    this.#round += 1;
  }

  /** Begins a translation; the caller fills in the world. */
  begin(): Partial<World> {
    this.#world = {};
    this.#issues = new IssueList();
    return this.#world;
  }

  /**
   * Translates something else in between, of which nothing is kept: whoever goes by the translation before finds all as it
   * was, and a thousand of these in one round are no more than one.
   */
  aside<Value>(translate: () => Value): Value {
    const [world, issues] = [this.#world, this.#issues];
    this.#madeAside = [];
    try {
      return translate();
    } finally {
      for (const { results, result } of this.#madeAside) {
        const index = results.indexOf(result);
        if (index >= 0) results.splice(index, 1);
      }
      this.#madeAside = undefined;
      this.#world = world;
      this.#issues = issues;
    }
  }

  /** A translation for another kind of client goes by what the one before has found. */
  set client(client: Client) {
    this.#world.client = client;
  }

  set referenced(clusters: ReadonlySet<string>) {
    this.#world.referenced = clusters;
  }

  add(issue: Issue): void {
    this.#issues.add(issue);
    this.#recording?.issues.push(issue);
  }

  /** What was said in this translation. */
  issues(): Issue[] {
    return this.#issues.sorted();
  }

  /**
   * Asks for something that may be different the next time.
   * @param isSame whether two answers are equal; by default they have to be the same
   */
  ask<Of extends keyof World, Answer>(
    of: Of,
    ask: (answerer: World[Of]) => Answer,
    isSame: (a: Answer, b: Answer) => boolean = Object.is,
  ): Answer {
    const recording = this.#recording;
    const answerer = this.#world[of] as World[Of];
    // What the answer follows from is a matter of the answer: it is asked for again as a whole.
    this.#recording = undefined;
    const answer = ask(answerer);
    this.#recording = recording;
    if (recording !== undefined && !recording.asked.has(ask)) {
      recording.asked.add(ask);
      recording.questions.push({ of, asked: answerer, ask, answer, isSame });
    }
    return answer;
  }

  /**
   * The result of `make`, from before if it would be the same.
   * @param owner what the result lives with
   * @param name what is made of the owner, one of a few words
   * @param inputs what else it follows from, compared by identity
   */
  recall<Value>(owner: object, name: string, inputs: readonly unknown[], make: () => Value): Value {
    const results = this.#resultsOf(owner, name);
    for (const known of results) {
      if (!sameItems(known.inputs, inputs) || !this.#holds(known)) continue;
      known.lastUsed = this.#round;
      if (results.length > 1) this.#forgetOld(results);
      this.#replay(known);
      return known.value as Value;
    }
    return this.#make(results, inputs, make);
  }

  /** For what belongs to no object. */
  recallOf<Value>(name: string, inputs: readonly unknown[], make: () => Value): Value {
    return this.recall(this.#root, name, inputs, make);
  }

  /**
   * What is made of each of the short runs that a long list is cut into, in their order: so that of thousands of items only
   * the neighbours of one that has changed are asked for again.
   */
  recallRuns<Item extends object, Value>(
    name: string,
    items: readonly Item[],
    make: (run: readonly Item[]) => Value,
  ): Value[] {
    const values: Value[] = [];
    // The first of a run has results of its own, too.
    const ofRun = `${name} of run`;
    for (let from = 0; from < items.length; from += runLength) {
      const run = items.slice(from, from + runLength);
      values.push(this.recall(run[0]!, ofRun, run, () => make(run)));
    }
    return values;
  }

  #resultsOf(owner: object, name: string): Result[] {
    let ofName = this.#results.get(name);
    if (ofName === undefined) {
      ofName = new WeakMap();
      this.#results.set(name, ofName);
    }
    let results = ofName.get(owner);
    if (results === undefined) {
      results = [];
      ofName.set(owner, results);
    }
    return results;
  }

  #make<Value>(results: Result[], inputs: readonly unknown[], make: () => Value): Value {
    const outer = this.#recording;
    const recording: Recording = { questions: [], asked: new Set(), issues: [] };
    this.#recording = recording;
    try {
      const value = make();
      const { questions, issues } = recording;
      this.#forgetOld(results);
      const result: Result = { inputs, questions, issues, value, lastUsed: this.#round };
      results.push(result);
      this.#madeAside?.push({ results, result });
      return value;
    } finally {
      this.#recording = outer;
      outer?.questions.push(...recording.questions);
      outer?.issues.push(...recording.issues);
    }
  }

  #forgetOld(results: Result[]): void {
    const isOld = ({ lastUsed }: Result) => lastUsed < this.#round - 1;
    if (results.some(isOld)) results.splice(0, results.length, ...results.filter((result) => !isOld(result)));
  }

  /**
   * In their order, and no further than to the first other answer: making it anew asks the same up to there, so that nobody
   * is asked what would not have been.
   */
  #holds({ questions }: Result): boolean {
    if (questions.length === 0) return true;
    const recording = this.#recording;
    this.#recording = undefined;
    try {
      return questions.every((question) => this.#isAnsweredAlike(question));
    } finally {
      this.#recording = recording;
    }
  }

  #isAnsweredAlike(question: Question): boolean {
    const answerer = this.#world[question.of];
    if (answerer === question.asked) return true;
    if (!question.isSame(question.answer as never, question.ask(answerer as never) as never)) return false;
    question.asked = answerer;
    return true;
  }

  #replay({ questions, issues }: Result): void {
    for (const issue of issues) this.add(issue);
    this.#recording?.questions.push(...questions);
  }
}

export function sameItems(a: readonly unknown[], b: readonly unknown[]): boolean {
  if (a === b) return true;
  if (a.length !== b.length) return false;
  for (let index = 0; index < a.length; index += 1) if (a[index] !== b[index]) return false;
  return true;
}
