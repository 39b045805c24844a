import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import type { Clock, Random } from '@inmesh/core';
import type { KubernetesClient } from '../../kubernetes/client/client.js';
import { LeaderElection } from '../../kubernetes/leader/leader-election.js';
import type { Logger } from '../../logger.js';

/** What one of all config servers of a revision does. */
export interface Duty {
  start(): void;
  /** Nothing is done from now on. */
  stop(): Promise<void>;
}

export interface ElectedDutiesOptions {
  readonly client: Pick<KubernetesClient, 'get' | 'create' | 'update'>;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Where the lease is. */
  readonly namespace: string;
  readonly revision: string;
}

/** The name of the lease. */
export const leaseName = 'inmesh-status';

/** Of another revision than the default one the name ends in its own. */
export function nameIn(revision: string, name: string): string {
  return revision === 'default' ? name : `${name}-${revision.toLowerCase().replace(/[^a-z0-9-]/g, '-')}`;
}

/** Starts the duties where and while this config server is elected. */
export class ElectedDuties {
  readonly #election: LeaderElection;

  constructor(
    private readonly duties: readonly Duty[],
    { client, clock, random, logger, namespace, revision }: ElectedDutiesOptions,
  ) {
    this.#election = new LeaderElection({
      ...{ client, clock, random, now: Date.now },
      lease: { namespace, name: nameIn(revision, leaseName) },
      identity: `${hostname()}-${randomUUID()}`,
      onStarted: () => {
        for (const duty of duties) duty.start();
      },
      onStopped: () => void this.#stop(),
      onProblem: (problem) => {
        if (problem === undefined) return;
        const what = 'the status of objects is not written, nor the last good content of broken ones kept for others';
        logger.warn(`${what}: ${problem}`);
      },
    });
  }

  async close(): Promise<void> {
    await this.#election.close();
    await this.#stop();
  }

  async #stop(): Promise<void> {
    await Promise.all(this.duties.map((duty) => duty.stop()));
  }
}
