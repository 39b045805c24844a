import { isDeepStrictEqual } from 'node:util';
import { MeshError } from '@inmesh/core';
import { Guard, type GuardDeps } from './guard.js';
import type { GuardPolicy } from './guard-policy.js';
import { resolvePolicy } from './resolve-policy.js';

/** The guards of one mesh, by name. */
export class Guards {
  readonly #guards = new Map<string, Guard>();

  constructor(private readonly deps: GuardDeps) {}

  /**
   * Wraps `fn` in a function with its arguments and its `this`, which always returns a promise. Functions guarded under
   * one name share breaker and limits.
   * @throws MeshError `invalid_request` when the policy is wrong, or is another than the name's
   */
  guard<This, Args extends unknown[], Result>(
    name: string,
    fn: (this: This, ...args: Args) => Result | PromiseLike<Result>,
    policy: GuardPolicy = {},
  ): (this: This, ...args: Args) => Promise<Result> {
    const guard = this.#find(name, policy);
    return function guarded(this: This, ...args: Args) {
      return guard.run(() => fn.apply(this, args));
    };
  }

  close(): void {
    for (const guard of this.#guards.values()) guard.close();
  }

  #find(name: string, given: GuardPolicy): Guard {
    const policy = resolvePolicy(name, given);
    const known = this.#guards.get(name);
    if (known !== undefined && isDeepStrictEqual(known.policy, policy)) return known;
    if (known !== undefined) throw conflict(name);
    const guard = new Guard(name, policy, this.deps);
    this.#guards.set(name, guard);
    return guard;
  }
}

function conflict(name: string): MeshError {
  return new MeshError('invalid_request', {
    message: `guard ${JSON.stringify(name)} exists with another policy`,
    cluster: `guard|${name}`,
    hint: 'give both the same policy object, or another name',
  });
}
