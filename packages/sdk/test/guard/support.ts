import type { Clock, MeshError } from '@inmesh/core';
import { seededRandom } from '@inmesh/core/testing';
import { vi } from 'vitest';
import type { GuardDeps } from '../../src/guard/guard.js';
import type { GuardEvent } from '../../src/guard/guard-event.js';
import { Guards } from '../../src/guard/guards.js';
import { silentLogger } from '../../src/logger.js';

/** Node's timers, which vitest fakes: opossum and bottleneck know no others, and all must tell the same time. */
const nodeClock: Clock = {
  now: () => performance.now(),
  setTimer(delayMs, fire) {
    const timer = setTimeout(fire, delayMs);
    return { cancel: () => clearTimeout(timer) };
  },
};

export function testGuards(overrides: Partial<GuardDeps> = {}) {
  const events: GuardEvent[] = [];
  const guards = new Guards({
    clock: nodeClock,
    random: seededRandom(1),
    logger: silentLogger,
    onEvent: (event) => events.push(event),
    ...overrides,
  });
  return { guards, events };
}

/** A function whose calls end when and how the test says. */
export function controlled<T = string>() {
  const ends: { resolve: (value: T) => void; reject: (error: unknown) => void }[] = [];
  const fn = vi.fn(() => new Promise<T>((resolve, reject) => ends.push({ resolve, reject })));
  return { fn, ends };
}

export async function failureOf(promise: Promise<unknown>): Promise<MeshError> {
  try {
    await promise;
  } catch (error) {
    return error as MeshError;
  }
  throw new Error('it did not fail');
}

export const never = () => new Promise<never>(() => {});

/** Lets promises settle and bottleneck's zero timers fire. */
export async function settle(): Promise<void> {
  await vi.advanceTimersByTimeAsync(0);
}
