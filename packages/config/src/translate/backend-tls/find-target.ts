import type { Place } from '../../place.js';
import type { TargetRef } from '../../schema/backend-tls-policy.js';
import type { Registry } from '../registry.js';

/** The host and the name of the port of a target; the latter is empty for the whole Service. */
export function targetKey(host: string, port: string): string {
  return `${host}|${port}`;
}

/** Undefined with a warning for what is not there. */
export function findTarget(
  { group, kind, name, sectionName = '' }: TargetRef,
  namespace: string,
  registry: Registry,
  clusterDomain: string,
  at: Place,
): string | undefined {
  if (kind !== 'Service' || (group !== '' && group !== 'core')) {
    return void at.at('kind').warn(`a target of the kind ${kind} is not supported: not used for it`);
  }
  const host = `${name}.${namespace}.svc.${clusterDomain}`;
  const service = registry.find(host);
  if (service === undefined || service.host !== host) {
    const hint = registry.hintFor(host, { clusterDomain }, at);
    return void at.at('name').missingService(name, namespace, 'not used for it', hint);
  }
  const known = service.ports.map((port) => port.name);
  if (sectionName === '' || known.includes(sectionName)) return targetKey(host, sectionName);
  const message = `${host} has no port of the name "${sectionName}": not used for it`;
  return void at.at('sectionName').unresolved(message, `known: ${known.join(', ')}`, 'warning');
}
