import { FileSet, type SourceFile } from '@inmesh/config';
import type { Clock } from '@inmesh/core';
import type { ConfigState } from '../../../config-state.js';
import type { KubernetesClient } from '../../../kubernetes/client/client.js';
import type { ObjectName } from '../../../kubernetes/client/objects.js';
import { type KubernetesProblem, problemOf } from '../../../kubernetes/client/problem.js';
import { missingRule } from '../../../kubernetes/rbac-rule.js';
import type { Logger } from '../../../logger.js';
import type { Duty } from '../elected-duties.js';
import { configMaps } from '../referenced-config-maps.js';
import { StatusQueue } from '../status/status-queue.js';
import { type KeptEntry, packEntry, uidOfKept } from './kept-entry.js';
import type { KeptLastGood, LastGoodMap } from './kept-last-good.js';

export interface LastGoodKeeperOptions {
  readonly client: Pick<KubernetesClient, 'create' | 'update'>;
  readonly kept: Pick<KeptLastGood, 'isKnown' | 'map' | 'entries'>;
  readonly name: Required<ObjectName>;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Between two writes. */
const pauseMs = 100;
const retryMs = 1000;
/** Of all entries together, in base64: a ConfigMap has 1 MiB at most. */
const longestMap = 900_000;
const queueKey = 'last good';

/**
 * Keeps the last good content of objects that are broken now in a ConfigMap, for as long as this is the leader. What is kept
 * for this very content stays, whoever has kept it.
 */
export class LastGoodKeeper implements Duty {
  #wanted: readonly KeptEntry[] | undefined;
  #queue: StatusQueue | undefined;
  #said: string | undefined;

  constructor(private readonly options: LastGoodKeeperOptions) {}

  /** @param files what the state was made of */
  judge(state: Pick<ConfigState, 'refused' | 'lastGood'>, files: readonly SourceFile[]): void {
    // What is stored may be all that is left of it.
    if (!this.options.kept.isKnown) return;
    this.#wanted = state.refused.length === 0 ? [] : this.#entriesFor(state, new FileSet(files));
    this.#queue?.add([queueKey]);
  }

  start(): void {
    const { clock } = this.options;
    this.#queue = new StatusQueue({ clock, pauseMs, retryMs, write: (_, signal) => this.#write(signal) });
    this.#queue.add([queueKey]);
  }

  async stop(): Promise<void> {
    const queue = this.#queue;
    this.#queue = undefined;
    await queue?.close();
  }

  #entriesFor({ refused, lastGood }: Pick<ConfigState, 'refused' | 'lastGood'>, files: FileSet): KeptEntry[] {
    const inUse = new Map(lastGood.map((file) => [file.path, file]));
    return refused.flatMap((path) => {
      const now = files.get(path);
      const uid = now && uidOfKept(now);
      if (now === undefined || uid === undefined) return [];
      const known = this.options.kept.entries.get(uid);
      // Of what cannot be used now, since another object is gone, the last good content stays what it was.
      const good = inUse.get(path) ?? known?.file;
      if (good === undefined || good.text === now.text) return [];
      const isKept = known?.brokenText === now.text && known.file.text === good.text;
      return [isKept ? known : packEntry(uid, now.text, good)];
    });
  }

  async #write(signal: AbortSignal): Promise<boolean> {
    const { kept, name, client } = this.options;
    if (this.#wanted === undefined) return false;
    const { map } = kept;
    const { binaryData, left } = fitting(this.#wanted, map?.binaryData);
    if (left.length > 0) this.#say(`there is no room for that of ${left.join(', ')}`);
    if (isEqual(binaryData, map?.binaryData ?? {})) return false;
    try {
      if (map === undefined) {
        const labels = { 'app.kubernetes.io/managed-by': 'inmesh' };
        await client.create<LastGoodMap>(configMaps, { metadata: { ...name, labels }, binaryData }, { signal });
      } else {
        await client.update<LastGoodMap>(configMaps, { metadata: map.metadata, binaryData }, { signal });
      }
      if (left.length === 0) this.#said = undefined;
      return false;
    } catch (error) {
      return this.#afterFailure(problemOf(error), map === undefined ? 'create' : 'update');
    }
  }

  /** Whether it is to be tried again. */
  #afterFailure({ kind, message }: KubernetesProblem, verb: 'create' | 'update'): boolean {
    const { namespace, name } = this.options.name;
    // The watch tells in a moment what somebody else has done.
    const isPassing = ['conflict', 'already_exists', 'busy', 'timeout', 'unreachable', 'unauthorized'].includes(kind);
    if (isPassing || (kind === 'not_found' && verb === 'update')) return this.#queue !== undefined;
    const where = verb === 'create' ? { namespace } : { namespace, name };
    this.#say(kind === 'forbidden' ? missingRule(configMaps, [verb], where) : message);
    return false;
  }

  #say(problem: string): void {
    if (problem === this.#said) return;
    this.#said = problem;
    const { namespace, name } = this.options.name;
    this.options.logger.warn(
      `the last good content of broken objects is not kept in the ConfigMap ${namespace}/${name} for config servers that begin: ${problem}`,
    );
  }
}

/** What is stored comes first: when there is room for one alone, two do not take turns. */
function fitting(wanted: readonly KeptEntry[], stored: LastGoodMap['binaryData'] = {}) {
  const inOrder = [...wanted].sort((a, b) => Number(b.uid in stored) - Number(a.uid in stored));
  const left: string[] = [];
  const binaryData: Record<string, string> = {};
  let length = 0;
  for (const { uid, packed, file } of inOrder) {
    const isFitting = length + packed.length <= longestMap;
    if (!isFitting) left.push(file.path);
    else {
      length += packed.length;
      binaryData[uid] = packed;
    }
  }
  return { binaryData, left };
}

function isEqual(a: Readonly<Record<string, string>>, b: Readonly<Record<string, string>>): boolean {
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => a[key] === b[key]);
}
