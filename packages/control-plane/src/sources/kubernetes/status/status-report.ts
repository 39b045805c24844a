import type { Issue } from '@inmesh/config';
import type { Clock } from '@inmesh/core';
import type { KubernetesClient } from '../../../kubernetes/client/client.js';
import type { Logger } from '../../../logger.js';
import { pathOf } from '../cluster-files.js';
import type { ClusterObjects } from '../cluster-objects.js';
import type { Duty } from '../elected-duties.js';
import { watchedKinds } from '../watched-kinds.js';
import { type Judged, StatusWriter } from './status-writer.js';

export interface StatusReportOptions {
  readonly client: KubernetesClient;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly controllerName: string;
}

/** Writes the issues of a translation into the status of the objects. */
export class StatusReport implements Duty {
  readonly #writer: StatusWriter;

  constructor(
    private readonly objects: Pick<ClusterObjects, 'at' | 'of'>,
    { client, clock, logger, controllerName }: StatusReportOptions,
  ) {
    const current = (path: string) => objects.at(path);
    this.#writer = new StatusWriter({ client, clock, logger, now: Date.now, controllerName, current });
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

  start(): void {
    this.#writer.start();
  }

  async stop(): Promise<void> {
    await this.#writer.stop();
  }
}
