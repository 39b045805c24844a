import { type IstioLabels, overflowLabels } from './istio-labels.js';
import { istioLabelNames } from './names.js';

/** The numbers of one combination of labels: a counter and a histogram at once, since Istio labels both alike. */
export class Series {
  count = 0;
  sum = 0;
  /** Not cumulative; the last one is above every bound. */
  readonly bucketCounts: Float64Array;

  constructor(
    readonly labels: IstioLabels,
    readonly bounds: readonly number[],
  ) {
    this.bucketCounts = new Float64Array(bounds.length + 1);
  }

  observe(value: number): void {
    const bounds = this.bounds;
    let bucket = 0;
    while (bucket < bounds.length && value > bounds[bucket]!) bucket += 1;
    this.bucketCounts[bucket]! += 1;
    this.count += 1;
    this.sum += value;
  }

  reset(): void {
    this.count = 0;
    this.sum = 0;
    this.bucketCounts.fill(0);
  }
}

/**
 * The series of one registry. prom-client's own children validate and hash all 25 labels at every observation, 3 us and
 * more; here a request adds to an object that it already holds, and prom-client reads the numbers when it is scraped.
 */
export class SeriesStore {
  readonly #series = new Map<string, Series>();
  /** Few: one for each side, security policy and class of response code. */
  readonly #overflow = new Map<string, Series>();

  constructor(
    readonly maxSeries: number,
    readonly bounds: readonly number[],
  ) {}

  get isFull(): boolean {
    return this.#series.size >= this.maxSeries;
  }

  find(labels: IstioLabels): Series {
    const known = this.#series.get(keyOf(labels));
    if (known !== undefined) return known;
    return this.isFull ? this.#findIn(this.#overflow, overflowLabels(labels)) : this.#findIn(this.#series, labels);
  }

  /** Those that have counted something, so that a reset makes the others go. */
  *[Symbol.iterator](): Generator<Series> {
    for (const map of [this.#series, this.#overflow])
      for (const series of map.values()) if (series.count > 0) yield series;
  }

  /** Series are kept, because those who count hold on to them. */
  reset(): void {
    for (const series of this) series.reset();
  }

  #findIn(map: Map<string, Series>, labels: IstioLabels): Series {
    const key = keyOf(labels);
    let series = map.get(key);
    if (series === undefined) {
      series = new Series(Object.freeze(labels), this.bounds);
      map.set(key, series);
    }
    return series;
  }
}

function keyOf(labels: IstioLabels): string {
  let key = '';
  for (const name of istioLabelNames) key += `${labels[name]}\0`;
  return key;
}
