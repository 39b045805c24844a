import type { Duration } from '@bufbuild/protobuf/wkt';
import type { LoadBalancerPolicy, SlowStart } from '@inmesh/core';
import type { Percent, RuntimeDouble } from '../messages.js';
import { decodeDuration } from './durations.js';
import type { FieldScope } from './field-scope.js';
import { isPrime } from './is-prime.js';
import { decodePercent } from './percents.js';

// Policies have two forms on the wire, in the cluster itself and as extensions, which have these fields in common.

interface SlowStartFields {
  readonly slowStartWindow?: Duration | undefined;
  readonly aggression?: RuntimeDouble | undefined;
  readonly minWeightPercent?: Percent | undefined;
}

interface WithSlowStart {
  readonly slowStartConfig?: SlowStartFields | undefined;
}

interface LeastRequestFields extends WithSlowStart {
  readonly choiceCount?: number | undefined;
  readonly activeRequestBias?: RuntimeDouble | undefined;
}

interface RingFields {
  readonly minimumRingSize?: bigint | undefined;
  readonly maximumRingSize?: bigint | undefined;
}

/** 8 M: the largest ring that Envoy takes, and its default for `maximum_ring_size`. */
const largestRing = 8_388_608;

/** Envoy's limit and default (maglev.proto `table_size`). */
const largestTable = 5_000_011;
const defaultTable = 65_537;

export function roundRobin(fields: WithSlowStart | undefined, at: FieldScope): LoadBalancerPolicy {
  const slowStart = decodeSlowStart(fields, at);
  return { kind: 'roundRobin', ...(slowStart && { slowStart }) };
}

export function leastRequest(fields: LeastRequestFields | undefined, at: FieldScope): LoadBalancerPolicy {
  const choices = fields?.choiceCount ?? 2;
  if (choices < 2) at.field('choice_count').error(`${choices} choices are less than two`);
  const activeRequestBias = fields?.activeRequestBias?.defaultValue;
  if (activeRequestBias !== undefined && !(activeRequestBias >= 0 && activeRequestBias < Number.POSITIVE_INFINITY)) {
    at.field('active_request_bias.default_value').error(`${activeRequestBias} should be 0 or more`);
  }
  const slowStart = decodeSlowStart(fields, at);
  return {
    kind: 'leastRequest',
    choices,
    ...(activeRequestBias !== undefined && { activeRequestBias }),
    ...(slowStart && { slowStart }),
  };
}

export function ringHash(fields: RingFields | undefined, at: FieldScope): LoadBalancerPolicy {
  const minimumRingSize = decodeRingSize(fields?.minimumRingSize, 1024, at.field('minimum_ring_size'));
  const maximumRingSize = decodeRingSize(fields?.maximumRingSize, largestRing, at.field('maximum_ring_size'));
  if (minimumRingSize > maximumRingSize) {
    at.field('minimum_ring_size').error(`${minimumRingSize} is more than maximum_ring_size, ${maximumRingSize}`);
  }
  return { kind: 'ringHash', minimumRingSize, maximumRingSize };
}

function decodeRingSize(written: bigint | undefined, whenUnset: number, at: FieldScope): number {
  if (written !== undefined && written > largestRing) at.error(`${written} is more than ${largestRing}`);
  return written === undefined ? whenUnset : Number(written);
}

export function maglev(written: bigint | undefined, at: FieldScope): LoadBalancerPolicy {
  const tableSize = written === undefined ? defaultTable : Number(written);
  const scope = at.field('table_size');
  if (tableSize > largestTable) scope.error(`${tableSize} is more than ${largestTable}`);
  else if (!isPrime(tableSize)) scope.error(`${tableSize} is not a prime`);
  return { kind: 'maglev', tableSize };
}

/** Undefined without a window: new endpoints have their whole weight at once. */
function decodeSlowStart(fields: WithSlowStart | undefined, at: FieldScope): SlowStart | undefined {
  const config = fields?.slowStartConfig;
  if (config === undefined) return undefined;
  const scope = at.field('slow_start_config');
  const windowMs = decodeDuration(config.slowStartWindow, 0, scope.field('slow_start_window'));
  const aggression = config.aggression?.defaultValue ?? 1;
  if (!(aggression > 0 && aggression < Number.POSITIVE_INFINITY)) {
    scope.field('aggression.default_value').error(`${aggression} should be more than 0`);
  }
  const minWeightPercent = decodePercent(config.minWeightPercent, 10, scope.field('min_weight_percent'));
  return windowMs === 0 ? undefined : { windowMs, aggression, minWeightPercent };
}
