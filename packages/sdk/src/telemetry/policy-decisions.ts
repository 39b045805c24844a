import type { PolicyDecision } from '@inmesh/core';
import { Counter, type OpenMetricsContentType, type Registry } from 'prom-client';
import { rbacLabelNames, rbacMetricName } from './names.js';

type AnyRegistry = Registry | Registry<OpenMetricsContentType>;

const help = {
  carriedOut: 'Decisions about incoming calls, by the policy that matched.',
  shadow: 'The same of policies that are tried out.',
};

/** Policies that only log decide nothing. The label is empty where no policy matched; others are as many as are configured. */
export function countDecision(register: AnyRegistry, decision: PolicyDecision): void {
  if (decision.action === 'log') return;
  counterOf(register, decision).inc({ policy: decision.policy ?? '' });
}

/** Made at the first decision: a workload without policies has none to tell of. */
function counterOf(register: AnyRegistry, decision: PolicyDecision): Counter<'policy'> {
  const name = rbacMetricName(decision);
  const known = register.getSingleMetric(name) as Counter<'policy'> | undefined;
  return (
    known ??
    new Counter({
      name,
      help: decision.shadow ? help.shadow : help.carriedOut,
      labelNames: rbacLabelNames,
      registers: [register],
    })
  );
}
