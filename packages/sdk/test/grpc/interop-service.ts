import * as grpc from '@grpc/grpc-js';
import { loadProto } from './load-proto.js';

/** What grpc's interop tests use of their messages.proto and test.proto. */
const proto = `
syntax = "proto3";
package grpc.testing;
message Empty {}
message Payload { int32 type = 1; bytes body = 2; }
message EchoStatus { int32 code = 1; string message = 2; }
message SimpleRequest { int32 response_size = 2; Payload payload = 3; EchoStatus response_status = 7; }
message SimpleResponse { Payload payload = 1; string username = 2; }
message StreamingInputCallRequest { Payload payload = 1; }
message StreamingInputCallResponse { int32 aggregated_payload_size = 1; }
message ResponseParameters { int32 size = 1; int32 interval_us = 2; }
message StreamingOutputCallRequest {
  repeated ResponseParameters response_parameters = 2;
  Payload payload = 3;
  EchoStatus response_status = 7;
}
message StreamingOutputCallResponse { Payload payload = 1; }
service TestService {
  rpc EmptyCall(Empty) returns (Empty);
  rpc UnaryCall(SimpleRequest) returns (SimpleResponse);
  rpc StreamingOutputCall(StreamingOutputCallRequest) returns (stream StreamingOutputCallResponse);
  rpc StreamingInputCall(stream StreamingInputCallRequest) returns (StreamingInputCallResponse);
  rpc FullDuplexCall(stream StreamingOutputCallRequest) returns (stream StreamingOutputCallResponse);
  rpc UnimplementedCall(Empty) returns (Empty);
}`;

export interface Payload {
  readonly body: Buffer;
}
export interface EchoStatus {
  readonly code: number;
  readonly message: string;
}
export interface SimpleRequest {
  readonly response_size?: number;
  readonly payload?: Payload;
  readonly response_status?: EchoStatus;
}
export interface SimpleResponse {
  readonly payload: Payload | null;
  readonly username: string;
}
export interface OutputRequest {
  readonly response_parameters?: readonly { readonly size: number; readonly interval_us?: number }[];
  readonly payload?: Payload;
  readonly response_status?: EchoStatus;
}
export interface OutputResponse {
  readonly payload: Payload;
}

type Unary<Request, Response> = (
  request: Request,
  metadata: grpc.Metadata,
  options: grpc.CallOptions,
  callback: (error: grpc.ServiceError | null, response?: Response) => void,
) => grpc.ClientUnaryCall;

/** As @grpc/proto-loader makes it. */
export interface TestClient extends grpc.Client {
  EmptyCall: Unary<object, object>;
  UnaryCall: Unary<SimpleRequest, SimpleResponse>;
  UnimplementedCall: Unary<object, object>;
  StreamingOutputCall(
    request: OutputRequest,
    metadata?: grpc.Metadata,
    options?: grpc.CallOptions,
  ): grpc.ClientReadableStream<OutputResponse>;
  StreamingInputCall(
    metadata: grpc.Metadata,
    options: grpc.CallOptions,
    callback: (error: grpc.ServiceError | null, response?: { aggregated_payload_size: number }) => void,
  ): grpc.ClientWritableStream<{ payload: Payload }>;
  FullDuplexCall(
    metadata?: grpc.Metadata,
    options?: grpc.CallOptions,
  ): grpc.ClientDuplexStream<OutputRequest, OutputResponse>;
}

export const { TestService } = loadService();

export const testServiceMethods = TestService.service;

export function payload(size: number): Payload {
  return { body: Buffer.alloc(size) };
}

function loadService(): { TestService: new (...args: ConstructorParameters<typeof grpc.Client>) => TestClient } & {
  TestService: { service: grpc.ServiceDefinition };
} {
  const loaded = grpc.loadPackageDefinition(loadProto(proto)) as unknown as { grpc: { testing: never } };
  return loaded.grpc.testing;
}
