/** Envoy's table of HTTP statuses for gRPC statuses 0 to 16 (source/common/grpc/status.cc). */
const httpStatuses = [200, 499, 500, 400, 504, 404, 409, 403, 429, 400, 409, 400, 501, 500, 503, 500, 401];

/** 500 for a status that is none. */
export function httpStatusOfGrpc(status: number): number {
  return httpStatuses[status] ?? 500;
}
