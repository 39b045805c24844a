import type { Call } from '../call.js';
import type { Clock, Random } from '../clock.js';
import type { FaultPolicy } from '../model/route.js';
import { allOf, type CallMatcher } from '../router/call-matcher.js';
import { compileHeaderMatcher } from '../router/header-matcher.js';
import type { Filter, Reply, Service } from '../service.js';
import { waitUnlessInterrupted } from '../wait.js';
import { answerLocally } from './answer-locally.js';
import { deadlineExceeded } from './deadline.js';
import { noCluster } from './route.js';

const million = 1_000_000;

/** Delays and then aborts a share of the calls, once each and not for every attempt (Envoy fault_filter.cc). */
export function faultFilter(clock: Clock, random: Random): Filter {
  const faults = new FaultInjector(clock, random);
  return (next) => (call) => {
    const policy = call.target!.fault ?? call.route!.fault;
    return policy === undefined ? next(call) : faults.inject(policy, call, next);
  };
}

class FaultInjector {
  /** Calls that were delayed or aborted and have not ended. */
  #active = 0;
  readonly #conditions = new WeakMap<FaultPolicy, CallMatcher>();

  constructor(
    private readonly clock: Clock,
    private readonly random: Random,
  ) {}

  inject<C extends Call>(policy: FaultPolicy, call: C, next: Service<C>): Promise<Reply> {
    if (this.#active >= policy.maxActive || !this.#conditionOf(policy)(call, this.random)) return proceed(call, next);
    const delayMs = this.#drawDelay(policy);
    if (delayMs > 0) return this.#counted(this.#delayed(policy, delayMs, call, next));
    return this.#drawAbort(policy) ? this.#counted(abort(policy, call, 'FI')) : proceed(call, next);
  }

  async #counted(outcome: Promise<Reply>): Promise<Reply> {
    this.#active += 1;
    try {
      const reply = await outcome;
      reply.onFinish(() => {
        this.#active -= 1;
      });
      return reply;
    } catch (error) {
      this.#active -= 1;
      throw error;
    }
  }

  async #delayed<C extends Call>(policy: FaultPolicy, delayMs: number, call: C, next: Service<C>): Promise<Reply> {
    await this.#wait(call, delayMs);
    return this.#drawAbort(policy) ? abort(policy, call, 'DI,FI') : proceed(call, next);
  }

  async #wait(call: Call, delayMs: number): Promise<void> {
    const leftMs = call.deadline - this.clock.now();
    await waitUnlessInterrupted(call, this.clock, Math.min(delayMs, leftMs));
    if (leftMs <= delayMs) throw deadlineExceeded(call);
  }

  #drawDelay({ delay }: FaultPolicy): number {
    return delay !== undefined && delay.fixedMs > 0 && this.#draw(delay.perMillion) ? delay.fixedMs : 0;
  }

  #drawAbort({ abort }: FaultPolicy): boolean {
    return abort !== undefined && this.#draw(abort.perMillion);
  }

  /** None and all cost no random number. */
  #draw(perMillion: number): boolean {
    if (perMillion <= 0) return false;
    return perMillion >= million || this.random() * million < perMillion;
  }

  #conditionOf(policy: FaultPolicy): CallMatcher {
    let condition = this.#conditions.get(policy);
    if (condition === undefined) {
      condition = allOf(policy.headers.map(compileHeaderMatcher));
      this.#conditions.set(policy, condition);
    }
    return condition;
  }
}

/** A call whose fault did not come about needs its cluster after all. */
function proceed<C extends Call>(call: C, next: Service<C>): Promise<Reply> {
  return call.cluster === undefined ? Promise.reject(noCluster(call)) : next(call);
}

function abort({ abort: settings }: FaultPolicy, call: Call, flags: string): Promise<Reply> {
  return answerLocally(call, {
    httpStatus: settings!.httpStatus,
    grpcStatus: settings!.grpcStatus,
    headers: ['x-inmesh-reason', 'fault_injected'],
    body: 'fault filter abort',
    flags,
  });
}
