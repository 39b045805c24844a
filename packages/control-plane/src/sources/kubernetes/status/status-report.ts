import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import type { Issue } from '@inmesh/config';
import type { Clock, Random } from '@inmesh/core';
import type { KubernetesClient } from '../../../kubernetes/client/client.js';
import { LeaderElection } from '../../../kubernetes/leader/leader-election.js';
import type { Logger } from '../../../logger.js';
import { pathOf } from '../cluster-files.js';
import type { ClusterObjects } from '../cluster-objects.js';
import { watchedKinds } from '../watched-kinds.js';
import { type Judged, StatusWriter } from './status-writer.js';

export interface StatusReportOptions {
  readonly client: KubernetesClient;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Where the lease is. */
  readonly namespace: string;
  readonly revision: string;
  readonly controllerName: string;
}

/** The name of the lease; that of another revision than the default one ends in its name. */
export const leaseName = 'inmesh-status';

/** Writes the issues of a translation into the status of the objects. Of all config servers of a revision one does. */
export class StatusReport {
  readonly #writer: StatusWriter;
  readonly #election: LeaderElection;

  constructor(
    private readonly objects: Pick<ClusterObjects, 'at' | 'of'>,
    { namespace, revision, controllerName, random, ...tools }: StatusReportOptions,
  ) {
    const { client, clock, logger } = tools;
    const now = Date.now;
    const current = (path: string) => objects.at(path);
    this.#writer = new StatusWriter({ client, clock, logger, now, controllerName, current });
    const suffix = revision === 'default' ? '' : `-${revision.toLowerCase().replace(/[^a-z0-9-]/g, '-')}`;
    this.#election = new LeaderElection({
      ...{ client, clock, random, now },
      lease: { namespace, name: `${leaseName}${suffix}` },
      identity: `${hostname()}-${randomUUID()}`,
      onStarted: () => this.#writer.start(),
      onStopped: () => void this.#writer.stop(),
      onProblem: (problem) => {
        if (problem !== undefined) logger.warn(`the status of objects is not written: ${problem}`);
      },
    });
  }

  /** @param issues of the objects as they are now */
  judge(issues: readonly Issue[]): void {
    const byFile = new Map<string, Issue[]>();
    for (const issue of issues) byFile.set(issue.file, [...(byFile.get(issue.file) ?? []), issue]);
    const judged = new Map<string, Judged>();
    for (const kind of watchedKinds.filter(({ hasStatus }) => hasStatus)) {
      for (const object of this.objects.of(kind)) {
        const path = pathOf(object);
        judged.set(path, { type: kind.type, object, issues: byFile.get(path) ?? [] });
      }
    }
    this.#writer.judge(judged);
  }

  async close(): Promise<void> {
    await this.#election.close();
    await this.#writer.stop();
  }
}
