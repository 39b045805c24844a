import type { Random } from '../clock.js';
import { MeshError } from '../errors.js';
import { HeaderList } from '../header-list.js';
import { retryHeaders } from '../retry-headers.js';
import type { FakeClock } from './fake-clock.js';
import { FakeReply } from './fake-reply.js';
import { testRetryPolicy, testThresholds } from './index.js';
import { oneClusterMesh } from './one-cluster-mesh.js';

type Serve = (headers: HeaderList) => Promise<FakeReply>;

const unlimited = Object.freeze({
  ...testThresholds,
  maxPendingRequests: Number.POSITIVE_INFINITY,
  maxRequests: Number.POSITIVE_INFINITY,
  maxRetries: Number.POSITIVE_INFINITY,
});

/**
 * Three services, each calling the next with retries of 5xx and the default budget, and below the third a leaf that fails
 * its share of the requests. What tiers tell each other by headers is carried as the SDK carries it, or not at all.
 */
export class TierChain {
  leafRequests = 0;
  readonly #first: Serve;

  constructor(private readonly options: { clock: FakeClock; random: Random; leafFailures: number; markers: boolean }) {
    const leaf: Serve = async () => {
      this.leafRequests += 1;
      return new FakeReply(options.random() < options.leafFailures ? 503 : 200);
    };
    this.#first = this.#tier(this.#tier(this.#tier(leaf, 3), 2), 1);
  }

  /** The status that the client at the top sees. */
  async request(): Promise<number> {
    return (await this.#first(new HeaderList())).httpStatus;
  }

  #tier(next: Serve, seed: number): Serve {
    const { clock, markers } = this.options;
    const retry = testRetryPolicy({ on: new Set(['5xx'] as const), attempts: 2 });
    const cluster = { circuitBreakers: { default: unlimited, high: unlimited } };
    const mesh = oneClusterMesh({ clock, seed, cluster, action: { retry } });
    mesh.answerWith((call) => next(call.headers));
    return async (headers) => {
      const call = mesh.call();
      call.retriesElsewhere = markers && Number(headers.get(retryHeaders.attemptCount) ?? 1) > 1;
      let status: number;
      try {
        const reply = (await mesh.service(call)) as FakeReply;
        reply.finish();
        status = reply.httpStatus;
      } catch (error) {
        status = MeshError.from(error).httpStatus;
      }
      return new FakeReply(status, markers && call.retriesSpent ? { [retryHeaders.noRetry]: '1' } : {});
    };
  }
}
