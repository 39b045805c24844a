import type { Place } from '../place.js';
import type { ReadObject } from '../read-objects.js';
import type { DestinationRule, LoadBalancer, PortTrafficPolicy, TrafficPolicy } from '../schema/destination-rule.js';
import { checkTls } from './check-tls.js';

/** Finds what each field by itself cannot tell to be a mistake. */
export function checkPolicies({ body: { spec }, place }: ReadObject<DestinationRule>): void {
  checkPolicy(spec.trafficPolicy, place.at('spec', 'trafficPolicy'));
  for (const [index, { trafficPolicy }] of (spec.subsets ?? []).entries()) {
    checkPolicy(trafficPolicy, place.at('spec', 'subsets', index, 'trafficPolicy'));
  }
}

function checkPolicy(policy: TrafficPolicy | undefined, place: Place): void {
  if (policy === undefined) return;
  checkLoadBalancer(policy, place);
  checkTls(policy.tls, place.at('tls'));
  const ports = new Set<number>();
  for (const [index, settings] of (policy.portLevelSettings ?? []).entries()) {
    const at = place.at('portLevelSettings', index);
    checkLoadBalancer(settings, at);
    checkTls(settings.tls, at.at('tls'));
    const { number } = settings.port;
    if (number !== undefined && ports.has(number)) at.at('port', 'number').error(`port ${number} is there twice`);
    if (number !== undefined) ports.add(number);
  }
}

function checkLoadBalancer({ loadBalancer, outlierDetection }: TrafficPolicy | PortTrafficPolicy, place: Place): void {
  if (loadBalancer === undefined) return;
  const at = place.at('loadBalancer');
  checkHash(loadBalancer, at);
  const { localityLbSetting } = loadBalancer;
  checkShares(localityLbSetting?.distribute ?? [], at.at('localityLbSetting', 'distribute'));
  const failsOver = localityLbSetting?.failover !== undefined || localityLbSetting?.failoverPriority !== undefined;
  if (
    !failsOver ||
    localityLbSetting.distribute !== undefined ||
    localityLbSetting.enabled === false ||
    outlierDetection !== undefined
  )
    return;
  at.at('localityLbSetting').warn('has no effect without outlierDetection', 'add outlierDetection: {}');
}

function checkHash({ consistentHash, warmup, warmupDurationSecs }: LoadBalancer, place: Place): void {
  if (consistentHash === undefined) return;
  const { httpHeaderName, httpCookie, useSourceIp, httpQueryParameterName } = consistentHash;
  if (
    ![httpHeaderName, httpCookie, useSourceIp || undefined, httpQueryParameterName].some((key) => key !== undefined)
  ) {
    place
      .at('consistentHash')
      .error('has no key', 'add httpHeaderName, httpCookie, useSourceIp or httpQueryParameterName');
  }
  const field = warmup !== undefined ? 'warmup' : warmupDurationSecs !== undefined ? 'warmupDurationSecs' : undefined;
  if (field !== undefined) place.at(field).warn('has no effect with consistentHash: keys keep their endpoints');
}

type Distribute = NonNullable<NonNullable<LoadBalancer['localityLbSetting']>['distribute']>;

function checkShares(distribute: Distribute, place: Place): void {
  for (const [index, { to }] of distribute.entries()) {
    const sum = Object.values(to).reduce((total, share) => total + share, 0);
    if (sum !== 100) place.at(index, 'to').error(`the shares sum to ${sum}, not to 100`);
  }
}
