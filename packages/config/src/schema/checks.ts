import { compileRegex } from '@inmesh/xds';
import { type DurationResult, parseGatewayDuration, parseGoDuration } from '../durations.js';
import { type Field, integer, map, number, object, text } from './field.js';

/** Istio's durations, in Go's syntax. */
export const goDuration = text((value) => problemOf(parseGoDuration(value)), 's');

/** The same, of which 0 would leave no time. */
export const positiveGoDuration = text((value) => {
  const parsed = parseGoDuration(value);
  if (!parsed.ok) return parsed.message;
  return parsed.duration.seconds > 0n || parsed.duration.nanos > 0 ? undefined : 'must be more than zero';
}, 's');

/** The Gateway API's durations (GEP-2257). */
export const gatewayDuration = text((value) => problemOf(parseGatewayDuration(value)), 's');

/** RE2's syntax. */
export const regex = text(regexProblem);

export const nonEmpty = text((value) => (value === '' ? 'must not be empty' : undefined));

const hostLabel = '[a-zA-Z0-9_](?:[-a-zA-Z0-9_]*[a-zA-Z0-9_])?';
const hostPattern = new RegExp(`^(?:\\*|(?:\\*\\.)?${hostLabel}(?:\\.${hostLabel})*)$`);

/** A name, or one whose first label is `*`. */
export const host = text((value) =>
  hostPattern.test(value) ? undefined : `"${value}" is neither a host name nor a wildcard such as *.example.com`,
);

/** A name of Kubernetes (RFC 1123 subdomain). */
export const objectName = text((value) =>
  /^[a-z0-9](?:[-a-z0-9.]*[a-z0-9])?$/.test(value)
    ? undefined
    : `"${value}" may have lower-case letters, digits, "-" and "." only`,
);

/** A namespace of Kubernetes (RFC 1123 label). */
export const namespaceName = text((value) =>
  /^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?$/.test(value)
    ? undefined
    : `"${value}" may have lower-case letters, digits and "-" only`,
);

export const port = integer(1, 65_535);

export const labels: Field<Readonly<Record<string, string>>> = map(text());

/** Istio's `StringMatch`: one of three, or none for «is there». Envoy refuses an empty prefix. */
export const stringMatch = object({ exact: text(), prefix: nonEmpty, regex }, ['exact', 'prefix', 'regex']);

/** As Istio has it, a lone `*` is no expression but means «is there» (istio/istio#20629). */
export const presentOrMatch = object(
  { exact: text(), prefix: nonEmpty, regex: text((value) => (value === '*' ? undefined : regexProblem(value))) },
  ['exact', 'prefix', 'regex'],
);

const pseudoHeaders = [':authority', ':method', ':path', ':scheme'];

/** Header names of a match. Envoy takes those of HTTP/2's request line for headers, too. */
export function headerNameProblem(name: string): string | undefined {
  if (name === '') return 'a header must have a name';
  const isName = /^[\w!#$%&'*+.^`|~-]+$/.test(name) || pseudoHeaders.includes(name.toLowerCase());
  return isName ? undefined : `"${name}" is not the name of an HTTP header`;
}

/** Istio's `Percent`. */
export const percentage = object({ value: number(0, 100) });

function regexProblem(value: string): string | undefined {
  if (value === '') return 'must not be empty';
  const compiled = compileRegex(value);
  return compiled.ok ? undefined : `"${value}" ${compiled.message}`;
}

function problemOf(result: DurationResult): string | undefined {
  return result.ok ? undefined : result.message;
}
