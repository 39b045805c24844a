import type { MessageInitShape } from '@bufbuild/protobuf';
import { FractionalPercent_DenominatorType, type FractionalPercentSchema } from '@inmesh/xds/messages';

/** From a number between 0 and 100, to the millionth (Istio `translatePercentToFractionalPercent`). */
export function fractionOf(percent: number): MessageInitShape<typeof FractionalPercentSchema> {
  return { numerator: Math.round(percent * 10_000), denominator: FractionalPercent_DenominatorType.MILLION };
}
