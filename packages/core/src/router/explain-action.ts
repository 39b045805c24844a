import type {
  AuthorityRewrite,
  FaultPolicy,
  HashPolicy,
  HeaderMutations,
  HeaderValuePart,
  HeaderWrite,
} from '../model/route.js';
import { describeHeader } from './explain-match.js';

/** One entry for each change in the order they are made, e.g. `remove x-a`, `set x-b: 1`. */
export function describeHeaderMutations({ remove, write }: HeaderMutations): string[] {
  return [...remove.map((name) => `remove ${name}`), ...write.map(describeWrite)];
}

function describeWrite({ name, value, action }: HeaderWrite): string {
  const header = `${name}: ${value.map(describePart).join('')}`;
  switch (action) {
    case 'append':
      return `append ${header}`;
    case 'overwrite':
      return `set ${header}`;
    case 'addIfAbsent':
      return `set ${header}, if absent`;
    case 'overwriteIfExists':
      return `set ${header}, if present`;
  }
}

const operators = {
  requestHeader: 'REQ',
  responseHeader: 'RESP',
  upstreamHost: 'UPSTREAM_REMOTE_ADDRESS',
  upstreamCluster: 'UPSTREAM_CLUSTER',
  routeName: 'ROUTE_NAME',
  protocol: 'PROTOCOL',
  responseCode: 'RESPONSE_CODE',
  responseFlags: 'RESPONSE_FLAGS',
  sourceAddress: 'DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT',
  hostname: 'HOSTNAME',
} as const satisfies Record<Exclude<HeaderValuePart['kind'], 'text'>, string>;

/** As it is written in Envoy's configuration. */
function describePart(part: HeaderValuePart): string {
  if (part.kind === 'text') return part.text;
  const operator = operators[part.kind];
  if (!('name' in part)) return `%${operator}%`;
  const alternative = part.alternative === undefined ? '' : `?${part.alternative}`;
  const maxLength = part.maxLength === undefined ? '' : `:${part.maxLength}`;
  return `%${operator}(${part.name}${alternative})${maxLength}%`;
}

/** E.g. `40 % delayed by 5000 ms, 20 % aborted with 500`. */
export function describeFault({ delay, abort, headers, maxActive }: FaultPolicy): string {
  const parts: string[] = [];
  if (delay !== undefined) parts.push(`${percent(delay.perMillion)} delayed by ${delay.fixedMs} ms`);
  if (abort !== undefined) {
    const grpc = abort.grpcStatus === undefined ? '' : ` (gRPC status ${abort.grpcStatus})`;
    parts.push(`${percent(abort.perMillion)} aborted with ${abort.httpStatus}${grpc}`);
  }
  if (headers.length > 0) {
    parts.push(`where ${headers.map((header) => `header ${header.name} ${describeHeader(header)}`).join(' and ')}`);
  }
  if (Number.isFinite(maxActive)) parts.push(`at most ${maxActive} at once`);
  return parts.join(', ');
}

export function describeHashPolicy(policy: HashPolicy): string {
  return policy.terminal ? `${describeHashSource(policy)}, and no other when it is there` : describeHashSource(policy);
}

function describeHashSource(policy: HashPolicy): string {
  switch (policy.kind) {
    case 'header':
      return `header ${policy.name}`;
    case 'cookie':
      if (policy.ttlMs === undefined) return `cookie ${policy.name}`;
      return `cookie ${policy.name}, made ${policy.ttlMs === 0 ? 'for the session' : `for ${policy.ttlMs} ms`}`;
    case 'sourceAddress':
      return 'source address';
    case 'queryParameter':
      return `query parameter ${policy.name}`;
  }
}

export function describeAuthorityRewrite(rewrite: AuthorityRewrite): string {
  switch (rewrite.kind) {
    case 'literal':
      return rewrite.value;
    case 'endpoint':
      return 'the name of the endpoint';
    case 'header':
      return `the value of header ${rewrite.name}`;
    case 'pathRegex':
      return `"${rewrite.rewrite.substitution}" of path regex "${rewrite.rewrite.source}"`;
  }
}

function percent(perMillion: number): string {
  return `${perMillion / 10_000} %`;
}
