import { parseGoDuration } from '../durations.js';
import { isIpAddress } from '../translate/ip-address.js';
import { headerNameProblem, host } from './checks.js';
import { integer, list, map, type ObjectOf, object, oneOf, required, type TypeOf, text } from './field.js';

// inmesh's own: no API that a mesh reads has limits by quota, and Envoy's are spread over filters and routes.

const per = text((value) => {
  const parsed = parseGoDuration(value);
  if (!parsed.ok) return parsed.message;
  return parsed.duration.seconds === 0n && parsed.duration.nanos === 0 ? 'must be more than zero' : undefined;
}, 's');

const address = text((value) =>
  isIpAddress(value) ? undefined : `"${value}" is not one IP address such as 10.28.11.20 or fd00::1`,
);

const method = text((value) =>
  /^[A-Z][A-Z-]*$/.test(value) ? undefined : `"${value}" is not a method in upper case, such as GET`,
);

const pathPrefix = text((value) => (value.startsWith('/') ? undefined : `"${value}" does not begin with "/"`));

const limitName = text((value) =>
  /^[\w.:-]{1,200}$/.test(value) ? undefined : `"${value}" may have letters, digits, "_", ".", ":" and "-" only`,
);

/** All conditions of one limit have to hold. */
const limit = object({
  /** The largest number of a bucket stands for «no limit». */
  requests: required(integer(1, 0xffff_fffe)),
  per: required(per),
  /** Default: calls to every host together. */
  destination: host,
  sourceAddress: address,
  method,
  path: pathPrefix,
  headers: map(text(), headerNameProblem),
  /** Default: made of what the limit says. */
  name: limitName,
  side: oneOf('inbound', 'outbound'),
  scope: oneOf('mesh', 'process'),
});

export const limitsFields = { limits: required(list(limit)) };

export type Limits = ObjectOf<typeof limitsFields>;
export type Limit = TypeOf<typeof limit>;
