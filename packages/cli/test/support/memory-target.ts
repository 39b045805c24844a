import type { NumberEdit } from '@inmesh/config';
import type { CanaryRecord } from '../../src/canary/record.js';
import { routedKinds } from '../../src/canary/routes/kinds.js';
import type { Fields } from '../../src/canary/routes/routed-object.js';
import type { Loaded, Target } from '../../src/canary/target/target.js';

/** A VirtualService of the versions, each with its weight. */
export function reviewsRoute(weights: Readonly<Record<string, number>>): Fields {
  const route = Object.entries(weights).map(([subset, weight]) => ({
    destination: { host: 'reviews', subset },
    weight,
  }));
  return {
    kind: 'VirtualService',
    apiVersion: 'networking.istio.io/v1',
    spec: { hosts: ['reviews'], http: [{ route }] },
  };
}

/** An object in memory that others may change too. */
export class MemoryTarget implements Target {
  readonly description = 'VirtualService default/reviews';
  readonly name = 'reviews';
  readonly recordPlace = 'the record';
  readonly commands = { canary: 'inmesh canary vs/reviews', forget: 'forget it' };
  readonly kind = routedKinds[0]!;
  readonly context = { namespace: 'default', clusterDomain: 'cluster.local' };
  record: CanaryRecord | undefined;
  writes = 0;
  /** Thrown by the next calls, one each. */
  readonly failures: Error[] = [];
  /** Thrown by the next writes of weights, and the last of all, once they are done: their answers are lost. */
  readonly lostAnswers: Error[] = [];
  ownedBy: string | undefined;
  #version = 0;

  constructor(public object: Fields) {}

  get weights(): number[] {
    const { http } = this.object.spec as { http: { route: { weight: number }[] }[] };
    return http[0]!.route.map(({ weight }) => weight);
  }

  /** As somebody else would. */
  change(object: Fields): void {
    this.object = object;
    this.#version += 1;
  }

  async load(): Promise<Loaded> {
    this.#fail();
    return { object: structuredClone(this.object), record: this.record, token: String(this.#version) };
  }

  async save(
    loaded: Loaded,
    edits: readonly NumberEdit[],
    record: CanaryRecord | undefined,
  ): Promise<'saved' | 'stale'> {
    this.#fail();
    if (loaded.token !== String(this.#version)) return 'stale';
    const object = structuredClone(this.object);
    for (const { path, value } of edits) {
      const parent = path.slice(0, -1).reduce<unknown>((at, step) => (at as Fields)[step], object) as Record<
        string,
        unknown
      >;
      if (value === undefined) delete parent.weight;
      else parent.weight = value;
    }
    this.change(object);
    this.record = record;
    this.writes += 1;
    const lost = edits.length > 0 || record === undefined ? this.lostAnswers.shift() : undefined;
    if (lost !== undefined) throw lost;
    return 'saved';
  }

  async rehearse(): Promise<void> {}

  blame(): string {
    return 'argocd-controller (Apply, now)';
  }

  owner(): string | undefined {
    return this.ownedBy;
  }

  async subsetLabels(): Promise<undefined> {
    return undefined;
  }

  async close(): Promise<void> {}

  #fail(): void {
    const failure = this.failures.shift();
    if (failure !== undefined) throw failure;
  }
}
