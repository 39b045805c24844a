import type { DnsAnswer } from './dns-answer.js';
import type { AddressRecord, SrvRecord } from './dns-message.js';
import type { Resolution, ServiceResolution } from './resolution.js';

/** Turns the answer to an SRV question into addresses, asking only for targets that the server sent no address of. */
export async function targetsOfService(
  answer: DnsAnswer,
  resolveTarget: (name: string) => Promise<Resolution>,
): Promise<ServiceResolution> {
  if (answer.kind === 'failure') return answer;
  if (answer.kind !== 'records') return { kind: 'notFound', ttlSeconds: answer.negativeTtl };
  const services = answer.records.filter(isReachable);
  if (services.length === 0) return { kind: 'notFound', ttlSeconds: answer.ttlSeconds };
  const resolutions = await resolveAll(services, answer.additional, resolveTarget);
  return combineTargets(services, resolutions, answer.ttlSeconds);
}

/** The target `.` says that the service is decidedly not available at this domain (RFC 2782). */
function isReachable(record: AddressRecord | SrvRecord): record is SrvRecord {
  return record.type === 'SRV' && record.target !== '.' && record.port !== 0;
}

async function resolveAll(
  services: readonly SrvRecord[],
  additional: readonly AddressRecord[],
  resolveTarget: (name: string) => Promise<Resolution>,
): Promise<ReadonlyMap<string, Resolution>> {
  const names = [...new Set(services.map((service) => service.target))];
  const resolutions = names.map(
    async (name) => [name, fromAdditional(name, additional) ?? (await resolveTarget(name))] as const,
  );
  return new Map(await Promise.all(resolutions));
}

function fromAdditional(name: string, additional: readonly AddressRecord[]): Resolution | undefined {
  const records = additional.filter((record) => record.name === name);
  if (records.length === 0) return undefined;
  const ttlSeconds = Math.min(...records.map((record) => record.ttl));
  return { kind: 'addresses', addresses: records.map((record) => record.address), ttlSeconds, partial: false };
}

function combineTargets(
  services: readonly SrvRecord[],
  resolutions: ReadonlyMap<string, Resolution>,
  srvTtl: number,
): ServiceResolution {
  const targets = services.flatMap(({ target, port, weight, priority }) =>
    addressesOf(resolutions.get(target)).map((host) => ({ host, port, weight, priority })),
  );
  const outcomes = [...resolutions.values()];
  const failure = outcomes.find((resolution) => resolution.kind === 'failure');
  const ttlSeconds = Math.min(
    srvTtl,
    ...outcomes.map((outcome) => ('ttlSeconds' in outcome ? outcome.ttlSeconds : srvTtl)),
  );
  if (targets.length === 0) return failure ?? { kind: 'notFound', ttlSeconds };
  const partial = outcomes.some(
    (outcome) => outcome.kind === 'failure' || (outcome.kind === 'addresses' && outcome.partial),
  );
  return { kind: 'targets', targets: targets.sort((a, b) => a.priority - b.priority), ttlSeconds, partial };
}

function addressesOf(resolution: Resolution | undefined): readonly string[] {
  return resolution?.kind === 'addresses' ? resolution.addresses : [];
}
