import { type HeaderList, retryHeaders } from '@inmesh/core';

/** What gRPC clients call it in the metadata of a retry: how many attempts there were before. */
const previousAttempts = 'grpc-previous-rpc-attempts';

/** Whether an incoming request is a retry, or part of what a tier further up retries. */
export function isPartOfRetry(headers: HeaderList): boolean {
  if (headers.has(retryHeaders.noRetry)) return true;
  return isAbove(headers.get(retryHeaders.attemptCount), 1) || isAbove(headers.get(previousAttempts), 0);
}

function isAbove(value: string | undefined, first: number): boolean {
  return value !== undefined && Number(value) > first;
}
