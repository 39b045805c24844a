/** Of one priority. */
export interface PriorityHealth {
  readonly healthy: number;
  readonly total: number;
}

export interface PriorityLevel {
  /** Percent of the traffic, whole; those of all priorities sum to 100. */
  readonly load: number;
  /** With too few healthy ones all endpoints are used, whatever their health. */
  readonly panic: boolean;
}

/**
 * What each priority gets (Envoy load_balancer_impl.cc): as much as its healthy share times the overprovisioning factor
 * covers, and the rest spills to the next. Where all together cannot cover 100 % the loads are scaled up, and priorities
 * below the panic threshold use all their endpoints; where all of them are below it, the number of endpoints counts alone.
 * @param overprovisioningPercent 140 unless the assignment says otherwise
 * @param panicThresholdPercent 0 for no panic: then there is nothing to pick when nothing is healthy
 */
export function priorityLevels(
  priorities: readonly PriorityHealth[],
  overprovisioningPercent: number,
  panicThresholdPercent: number,
): PriorityLevel[] {
  const available = priorities.map(({ healthy, total }) =>
    total === 0 ? 0 : Math.min(100, Math.floor((overprovisioningPercent * healthy) / total)),
  );
  const covered = Math.min(100, sum(available));
  const panic = priorities.map((health) => covered < 100 && percentHealthy(health) < panicThresholdPercent);
  const loads = panic.every(Boolean)
    ? shareOut(
        priorities.map(({ total }) => total),
        sum(priorities.map(({ total }) => total)),
      )
    : shareOut(available, covered);
  return loads.map((load, index) => ({ load, panic: panic[index]! }));
}

/** `amounts` as whole percents of `whole`, first come first served; what rounding leaves goes to the first that has some. */
function shareOut(amounts: readonly number[], whole: number): number[] {
  let left = 100;
  const loads = amounts.map((amount) => {
    const load = whole === 0 ? 0 : Math.min(left, Math.floor((100 * amount) / whole));
    left -= load;
    return load;
  });
  const first = Math.max(
    0,
    amounts.findIndex((amount) => amount > 0),
  );
  if (loads.length > 0) loads[first]! += left;
  return loads;
}

function percentHealthy({ healthy, total }: PriorityHealth): number {
  return total === 0 ? 0 : (100 * healthy) / total;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((a, b) => a + b, 0);
}
