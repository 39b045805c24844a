import { type RuleWeights, ruleWeights } from './events.js';
import { currentPercent, findSplit, type Split, type Weights, writtenWeights } from './routes/split.js';
import type { Target } from './target/target.js';

export interface Place {
  readonly to: string;
  readonly percent: number | undefined;
  readonly weights: RuleWeights[];
  readonly weightsRead: boolean;
}

/** Where the traffic is, as far as anybody knows. */
export class Whereabouts {
  #known: { readonly split: Split; readonly weights: Weights } | undefined;

  /** @param of undefined for a canary that is found, and says itself what it is of */
  constructor(private readonly of: { readonly to: string | undefined; readonly host: string | undefined }) {}

  saw(split: Split, weights: Weights): void {
    this.#known = { split, weights };
  }

  /** As it is read and not as it should be; where it cannot be read, as it was last. */
  async inTheEnd(
    target: Target,
    of: Partial<Pick<Place, 'to'>> & { readonly host?: string | undefined },
  ): Promise<Place> {
    const to = of.to ?? this.of.to;
    try {
      const { object, record } = await target.load();
      const request = { kind: target.kind, object, context: target.context, target: target.name };
      // `--resume` and `--rollback` do not name it, and may have been refused before it was known.
      const version = to ?? record?.to ?? '';
      const split = findSplit({ ...request, to: version, host: of.host ?? this.of.host ?? record?.host });
      return placeOf(version, { split, weights: writtenWeights(split) }, true);
    } catch {
      return placeOf(to ?? '', this.#known, false);
    }
  }
}

function placeOf(to: string, known: { split: Split; weights: Weights } | undefined, weightsRead: boolean): Place {
  if (known === undefined) return { to, percent: undefined, weights: [], weightsRead };
  const { split, weights } = known;
  return { to, percent: currentPercent(split, weights), weights: ruleWeights(split, weights), weightsRead };
}
