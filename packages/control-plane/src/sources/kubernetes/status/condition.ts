import { isRecord } from '../records.js';

/** As in `status.conditions` of most kinds (Condition of meta/v1). */
export interface Condition {
  readonly type: string;
  readonly status: 'True' | 'False';
  readonly reason: string;
  readonly message: string;
  readonly observedGeneration: number;
}

export type TimedCondition = Condition & { readonly lastTransitionTime: string };

/** The API server refuses more than 32 KiB, and nobody reads so much. */
const longestMessage = 2000;

export function shortened(message: string): string {
  return message.length <= longestMessage ? message : `${message.slice(0, longestMessage - 1)}…`;
}

/** What is there already stays as it is when nothing has changed, and keeps its time when only the reason is another. */
export function timed(wanted: Condition, existing: readonly unknown[], nowMs: number): TimedCondition {
  const known = existing.find((one) => isRecord(one) && one.type === wanted.type) as
    | Partial<TimedCondition>
    | undefined;
  const isSame = known?.status === wanted.status && known.lastTransitionTime !== undefined;
  const lastTransitionTime = isSame ? known.lastTransitionTime : new Date(nowMs).toISOString().replace(/\.\d+Z$/, 'Z');
  return { ...wanted, lastTransitionTime: lastTransitionTime! };
}

export function itemsOf(value: unknown): readonly Readonly<Record<string, unknown>>[] {
  return Array.isArray(value) ? value.filter(isRecord) : [];
}
