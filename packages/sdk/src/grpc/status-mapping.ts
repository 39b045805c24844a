/** What a gRPC client makes of an answer without a gRPC status (gRPC http-grpc-status-mapping.md). */
export function grpcStatusOfHttp(httpStatus: number): number {
  switch (httpStatus) {
    case 400:
      return 13;
    case 401:
      return 16;
    case 403:
      return 7;
    case 404:
      return 12;
    case 429:
    case 502:
    case 503:
    case 504:
      return 14;
    default:
      return 2;
  }
}

/** By gRPC status (Envoy `Grpc::Utility::grpcToHttpStatus`). */
const httpStatuses = [200, 499, 500, 400, 504, 404, 409, 403, 429, 400, 409, 400, 501, 500, 503, 500, 401];

export function httpStatusOfGrpc(grpcStatus: number): number {
  return httpStatuses[grpcStatus] ?? 500;
}
