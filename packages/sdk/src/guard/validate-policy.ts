import type { GuardPolicy } from './guard-policy.js';

/** Adds to `problems` what is wrong with a value; `path` names it. */
type Check = (value: unknown, path: string, problems: string[]) => void;

/** Node fires a longer timer at once, and opossum's are Node's. */
const maxTimerMs = 2 ** 31 - 1;
/** The rate limit remembers the time of each call of a window, 8 bytes apiece. */
const maxRateRequests = 1_000_000;

const count = (from: number, to = Number.MAX_SAFE_INTEGER) =>
  check(`a whole number from ${from} to ${to}`, (value) => Number.isInteger(value) && within(value, from, to));
const duration = (from: number) =>
  check(`a number of ms from ${from} to ${maxTimerMs}`, (value) => within(value, from, maxTimerMs));
const callback = check('a function', (value) => typeof value === 'function');

const circuitBreaker = fields({
  consecutiveErrors: count(0),
  errorThresholdPercentage: check('a percentage above 0, up to 100', (value) => value !== 0 && within(value, 0, 100)),
  volumeThreshold: count(1),
  windowMs: duration(10),
  openMs: duration(1),
  isFailure: callback,
});

const checkPolicy = fields({
  timeoutMs: duration(0),
  retries: fields({
    attempts: required(count(0, 100)),
    perTryTimeoutMs: duration(0),
    backoff: fields({ baseMs: duration(0), maxMs: duration(0) }),
    retryOn: callback,
  }),
  circuitBreaker: (value, path, problems) => value === false || circuitBreaker(value, path, problems),
  maxConcurrent: count(1),
  maxPending: count(0),
  rateLimit: fields({ requests: required(count(1, maxRateRequests)), perMs: required(duration(1)) }),
});

/** Everything wrong with a policy, each with the path of its field; unknown fields are wrong, they are misspelt ones. */
export function findPolicyProblems(policy: GuardPolicy): string[] {
  const problems: string[] = [];
  checkPolicy(policy, '', problems);
  if (policy.maxPending !== undefined && policy.maxConcurrent === undefined) {
    problems.push('maxPending: has no meaning without maxConcurrent');
  }
  return problems;
}

function check(expected: string, isValid: (value: unknown) => boolean): Check {
  return (value, path, problems) => {
    if (value !== undefined && !isValid(value)) problems.push(`${path}: ${show(value)} is not ${expected}`);
  };
}

function required(inner: Check): Check {
  return (value, path, problems) => {
    if (value === undefined) problems.push(`${path}: is missing`);
    else inner(value, path, problems);
  };
}

function fields(checks: Readonly<Record<string, Check>>): Check {
  return (value, path, problems) => {
    if (value === undefined) return;
    if (typeof value !== 'object' || value === null) {
      problems.push(`${path || 'policy'}: ${show(value)} is not an object`);
      return;
    }
    const at = (name: string) => (path === '' ? name : `${path}.${name}`);
    for (const name of Object.keys(value)) {
      if (!Object.hasOwn(checks, name))
        problems.push(`${at(name)}: there is no such field; known: ${Object.keys(checks).join(', ')}`);
    }
    for (const [name, inner] of Object.entries(checks))
      inner((value as Record<string, unknown>)[name], at(name), problems);
  };
}

function within(value: unknown, from: number, to: number): boolean {
  return typeof value === 'number' && value >= from && value <= to;
}

function show(value: unknown): string {
  return typeof value === 'string' ? JSON.stringify(value) : String(value);
}
