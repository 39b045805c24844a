import {
  type FractionalPercent,
  FractionalPercent_DenominatorType,
  type Percent,
  type RuntimeFractionalPercent,
} from '../messages.js';
import type { FieldScope } from './field-scope.js';

/** 0 to 100. A double on the wire, so NaN and infinities can come. */
export function decodePercent(percent: Percent | undefined, whenUnset: number, at: FieldScope): number {
  if (percent === undefined) return whenUnset;
  if (!(percent.value >= 0 && percent.value <= 100)) at.error(`${percent.value} is not between 0 and 100`);
  return percent.value;
}

const perMillionOf: Readonly<Record<FractionalPercent_DenominatorType, number>> = {
  [FractionalPercent_DenominatorType.HUNDRED]: 10_000,
  [FractionalPercent_DenominatorType.TEN_THOUSAND]: 100,
  [FractionalPercent_DenominatorType.MILLION]: 1,
};

/** In millionths. More than the whole counts as the whole (Envoy `FractionalPercent`). */
export function decodeFraction({ numerator, denominator }: FractionalPercent, at: FieldScope): number {
  const factor: number | undefined = perMillionOf[denominator];
  if (factor === undefined) at.field('denominator').error(`${denominator} is unknown`);
  return Math.min(1_000_000, numerator * (factor ?? 1));
}

/** As `decodeFraction`; a runtime key is not looked up. */
export function decodeRuntimeFraction<Unset extends number | undefined>(
  message: RuntimeFractionalPercent | undefined,
  whenUnset: Unset,
  at: FieldScope,
): number | Unset {
  if (message === undefined) return whenUnset;
  const scope = at.field('default_value');
  if (message.defaultValue !== undefined) return decodeFraction(message.defaultValue, scope);
  scope.error('is missing');
  return whenUnset;
}
