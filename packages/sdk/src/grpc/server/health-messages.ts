/**
 * The messages of grpc.health.v1, by hand: two fields are not worth a protobuf library in every process that serves gRPC.
 * health.proto: HealthCheckRequest { string service = 1 }, HealthCheckResponse { ServingStatus status = 1 },
 * HealthListResponse { map<string, HealthCheckResponse> statuses = 1 }.
 */

export const servingStatuses = { SERVING: 1, NOT_SERVING: 2, SERVICE_UNKNOWN: 3 } as const;
export type ServingStatus = keyof typeof servingStatuses;

const statusTag = 0x08;
/** Of every field of length-delimited bytes here: number 1, or number 2 for the value of a map's entry. */
const firstBytesTag = 0x0a;
const secondBytesTag = 0x12;

export function encodeStatus(status: ServingStatus): Buffer {
  return Buffer.from([statusTag, servingStatuses[status]]);
}

export function encodeStatuses(statuses: ReadonlyMap<string, ServingStatus>): Buffer {
  const entries = Array.from(statuses, ([service, status]) =>
    bytesField(
      firstBytesTag,
      Buffer.concat([
        bytesField(firstBytesTag, Buffer.from(service)),
        bytesField(secondBytesTag, encodeStatus(status)),
      ]),
    ),
  );
  return Buffer.concat(entries);
}

export interface HealthRequest {
  /** Empty: the server as a whole. */
  readonly service: string;
}

/** @throws Error when the bytes are no message */
export function decodeRequest(message: Buffer): HealthRequest {
  let service = '';
  let at = 0;
  while (at < message.length) {
    const tag = varint(message, at);
    const wireType = tag.value & 7;
    const end = endOfField(message, tag.end, wireType);
    if (tag.value === firstBytesTag) service = message.toString('utf8', varint(message, tag.end).end, end);
    at = end;
  }
  return { service };
}

function bytesField(tag: number, bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.from([tag]), encodeVarint(bytes.length), bytes]);
}

function encodeVarint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  while (rest > 0x7f) {
    bytes.push((rest & 0x7f) | 0x80);
    rest >>>= 7;
  }
  bytes.push(rest);
  return Buffer.from(bytes);
}

/** Fields of later versions are passed over. */
function endOfField(message: Buffer, start: number, wireType: number): number {
  const end = start + lengthOfField(message, start, wireType);
  if (end > message.length) throw truncated();
  return end;
}

function lengthOfField(message: Buffer, start: number, wireType: number): number {
  switch (wireType) {
    case 0:
      return varint(message, start).end - start;
    case 1:
      return 8;
    case 2: {
      const { value, end } = varint(message, start);
      return end - start + value;
    }
    case 5:
      return 4;
    default:
      throw new Error(`a HealthCheckRequest with a field of wire type ${wireType}`);
  }
}

function varint(message: Buffer, start: number): { readonly value: number; readonly end: number } {
  let value = 0;
  for (let i = 0; i < 10; i += 1) {
    const byte = message[start + i];
    if (byte === undefined) throw truncated();
    value += (byte & 0x7f) * 2 ** (7 * i);
    if (byte < 0x80) return { value, end: start + i + 1 };
  }
  throw new Error('a HealthCheckRequest with a number that is too long');
}

function truncated(): Error {
  return new Error('a HealthCheckRequest that is cut off');
}
