import { type DescField, isFieldSet, type Message } from '@bufbuild/protobuf';
import type { FieldScope } from './field-scope.js';
import { clusterFields } from './field-support/cluster-fields.js';
import { endpointFields } from './field-support/endpoint-fields.js';
import { extAuthzFields } from './field-support/ext-authz-fields.js';
import { filterFields } from './field-support/filter-fields.js';
import { inboundFields } from './field-support/inbound-fields.js';
import { jwtFields } from './field-support/jwt-fields.js';
import { listenerFields } from './field-support/listener-fields.js';
import { loadBalancerFields } from './field-support/load-balancer-fields.js';
import { rateLimitFields } from './field-support/rate-limit-fields.js';
import { rbacFields } from './field-support/rbac-fields.js';
import { routeFields } from './field-support/route-fields.js';
import type { FieldSupport, MessageSupport } from './field-support/support.js';
import { tlsFields } from './field-support/tls-fields.js';

/** Every message that the decoders read. */
export const supportedMessages: readonly MessageSupport[] = [
  ...routeFields,
  ...filterFields,
  ...rateLimitFields,
  ...clusterFields,
  ...loadBalancerFields,
  ...endpointFields,
  ...listenerFields,
  ...rbacFields,
  ...jwtFields,
  ...extAuthzFields,
  ...tlsFields,
  ...inboundFields,
];

/** By full name of the message, then by proto name of the field: what becomes of a field that is set. */
export const fieldSupport: Readonly<Record<string, Readonly<Record<string, FieldSupport>>>> = Object.fromEntries(
  supportedMessages.map(({ schema, fields }) => [schema.typeName, fields]),
);

interface Gap {
  readonly field: DescField;
  readonly effect: string;
  readonly refused: boolean;
}

/** Only what may have to be reported, so that a valid message costs one look at each such field. */
const gapsOfMessage: ReadonlyMap<string, readonly Gap[]> = new Map(
  supportedMessages.map(({ schema, fields }) => [
    schema.typeName,
    schema.fields.flatMap((field) => gapOf(field, fields[field.name])),
  ]),
);

function gapOf(field: DescField, support: FieldSupport | undefined): Gap[] {
  if (support === undefined || support === 'supported' || 'unneeded' in support) return [];
  if ('refused' in support) return [{ field, effect: support.refused, refused: true }];
  return [{ field, effect: support.ignored, refused: false }];
}

/** Reports every field of the message itself that is set and not acted on; the messages in it are for their own decoders. */
export function reportUnsupported(message: Message, at: FieldScope): void {
  const gaps = gapsOfMessage.get(message.$typeName);
  if (gaps === undefined) throw new Error(`${message.$typeName} is missing in the table of supported fields`);
  for (const { field, effect, refused } of gaps) {
    if (!isFieldSet(message, field)) continue;
    if (refused) at.field(field.name).error(`is not supported: ${effect}`);
    else at.field(field.name).warn(`is ignored: ${effect}`);
  }
}
