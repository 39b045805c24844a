import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { methodOf } from '../grpc/methods.js';
import { AuthorizationService, type CheckRequest, CheckRequestSchema, type CheckResponse } from '../messages.js';

export type { CheckRequest, CheckResponse };

/** `envoy.service.auth.v3.Authorization/Check`. */
export const checkMethod = methodOf(AuthorizationService.method.check);

export function checkRequest(init: MessageInitShape<typeof CheckRequestSchema>): CheckRequest {
  return create(CheckRequestSchema, init);
}

/** A header that is to be set or added to. */
export type HeaderChange = Extract<CheckResponse['httpResponse'], { case: 'okResponse' }>['value']['headers'][number];
