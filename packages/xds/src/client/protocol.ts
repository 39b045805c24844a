import type { Any } from '@bufbuild/protobuf/wkt';
import type { Node, RpcStatus } from '../messages.js';
import type { ResourceError } from '../resources/decode-result.js';
import type { ResourceKind } from '../resources/type-urls.js';
import { formatRefusal } from './problems.js';

/** One resource of a response, as it came. The name and the version are empty where only the resource itself tells. */
export interface ReceivedResource {
  readonly any: Any;
  readonly name: string;
  readonly version: string;
}

/** A response without its variant. */
export interface ReceivedResponse {
  readonly typeUrl: string;
  readonly version: string;
  readonly nonce: string;
  readonly resources: readonly ReceivedResource[];
  /** Names of what is gone, or is not there to begin with. */
  readonly removed: readonly string[];
  /** Whether what a response about all listeners or all clusters does not have is gone. */
  readonly isWhole: boolean;
}

/** The names that are asked for; a set that is the same object has the same names. */
export type Names = ReadonlySet<string> | 'all';

/**
 * What one variant of the protocol says on one stream. Reading, applying, keeping and refusing resources is the same for
 * both (`AdsStream`).
 */
export interface Protocol<Request extends { node?: Node | undefined }, Response> {
  /** Undefined when the server knows already. */
  ask(kind: ResourceKind, names: Names): Request | undefined;
  /** Accepts a response, or refuses it when there are errors; `names` is what is asked for now. */
  answer(kind: ResourceKind, response: ReceivedResponse, names: Names, errors: readonly ResourceError[]): Request;
  read(response: Response): ReceivedResponse;
}

/** gRPC's INVALID_ARGUMENT, as Envoy sends it. */
const invalidArgument = 3;

export function refusalOf(errors: readonly ResourceError[]): RpcStatus | undefined {
  if (errors.length === 0) return undefined;
  return { $typeName: 'google.rpc.Status', code: invalidArgument, message: formatRefusal(errors), details: [] };
}
