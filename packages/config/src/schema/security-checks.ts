import { isIpAddress } from '../translate/ip-address.js';
import { labels, nonEmpty } from './checks.js';
import { type Field, list, object, refused, text } from './field.js';

/** Not the list itself may be empty: as in Istio, that is an error and never «any». */
export const values: Field<readonly string[]> = list(nonEmpty, 1);

/** An address, or a range such as 10.1.0.0/16. */
export function cidrProblem(value: string): string | undefined {
  const slash = value.indexOf('/');
  const address = slash < 0 ? value : value.slice(0, slash);
  const length = slash < 0 ? '0' : value.slice(slash + 1);
  const longest = address.includes(':') ? 128 : 32;
  const isRange = isIpAddress(address) && /^(0|[1-9]\d{0,2})$/.test(length) && Number(length) <= longest;
  return isRange ? undefined : `"${value}" is no IP address and no range such as 10.1.0.0/16`;
}

export function portProblem(value: string): string | undefined {
  const isPort = /^\d{1,5}$/.test(value) && Number(value) >= 1 && Number(value) <= 65_535;
  return isPort ? undefined : `"${value}" is no port from 1 to 65535`;
}

/** A principal, a namespace or another text that may begin or end with `*`. */
export function wildcardProblem(value: string): string | undefined {
  if (value === '') return 'must not be empty';
  return value.slice(1, -1).includes('*') ? `"${value}" may have a "*" as its first or last character only` : undefined;
}

/** A SPIFFE ID without its scheme, with a `*` as above. */
export function principalProblem(value: string): string | undefined {
  return lengthProblem(value, 2048, 'a SPIFFE ID') ?? wildcardProblem(value);
}

/** Names become part of a regular expression, which has an end. */
function lengthProblem(value: string, most: number, what: string): string | undefined {
  if (value.length <= most) return undefined;
  return `"${value.slice(0, 20)}…" has ${value.length} characters, and ${what} has ${most} at most`;
}

/** By the rules of Kubernetes for names. */
export function serviceAccountProblem(value: string): string | undefined {
  const problem = lengthProblem(value, 317, 'a namespace with the name of a service account');
  if (problem !== undefined) return problem;
  const isName = /^([a-z\d]([-a-z\d]*[a-z\d])?\/)?[a-z\d]([-.a-z\d]*[a-z\d])?$/.test(value);
  return isName ? undefined : `"${value}" is not of the form name or namespace/name`;
}

export function namespaceProblem(value: string): string | undefined {
  const problem = lengthProblem(value, 253, 'a name');
  if (problem !== undefined) return problem;
  return /^[-a-z\d*]+$/.test(value) ? wildcardProblem(value) : `"${value}" is not the name of a namespace`;
}

/** Istio `workloadSelector`: what has all of these labels. */
export const selector = object({ matchLabels: labels });

const noTarget = 'it means a waypoint or a gateway, which no workload of inmesh is';

/** What these policies are attached to beside workloads. */
export const targets = { targetRef: refused(noTarget), targetRefs: refused(noTarget) };

export const cidrs = list(text(cidrProblem), 1);
export const ports = list(text(portProblem), 1);
export const wildcards = list(text(wildcardProblem), 1);
export const principals = list(text(principalProblem), 1);
