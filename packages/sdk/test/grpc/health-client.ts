import * as grpc from '@grpc/grpc-js';
import { loadProto } from './load-proto.js';

/** As in grpc's health.proto. */
const proto = `
syntax = "proto3";
package grpc.health.v1;
message HealthCheckRequest { string service = 1; }
message HealthCheckResponse {
  enum ServingStatus { UNKNOWN = 0; SERVING = 1; NOT_SERVING = 2; SERVICE_UNKNOWN = 3; }
  ServingStatus status = 1;
}
message HealthListRequest {}
message HealthListResponse { map<string, HealthCheckResponse> statuses = 1; }
service Health {
  rpc Check(HealthCheckRequest) returns (HealthCheckResponse);
  rpc List(HealthListRequest) returns (HealthListResponse);
  rpc Watch(HealthCheckRequest) returns (stream HealthCheckResponse);
}`;

export interface HealthResponse {
  readonly status: string;
}

type Callback<T> = (error: grpc.ServiceError | null, response?: T) => void;

export interface HealthClient extends grpc.Client {
  Check(request: { service?: string }, callback: Callback<HealthResponse>): grpc.ClientUnaryCall;
  List(
    request: object,
    callback: Callback<{ statuses: Readonly<Record<string, HealthResponse>> }>,
  ): grpc.ClientUnaryCall;
  Watch(request: { service?: string }): grpc.ClientReadableStream<HealthResponse>;
}

export function healthClient(port: number): HealthClient {
  const loaded = grpc.loadPackageDefinition(loadProto(proto)) as unknown as {
    grpc: { health: { v1: { Health: new (address: string, credentials: grpc.ChannelCredentials) => HealthClient } } };
  };
  return new loaded.grpc.health.v1.Health(`127.0.0.1:${port}`, grpc.credentials.createInsecure());
}

/** The status, or the code of the error. */
export function check(client: HealthClient, service?: string): Promise<string | number> {
  return new Promise((resolve) =>
    client.Check(service === undefined ? {} : { service }, (error, response) =>
      resolve(error === null ? response!.status : error.code),
    ),
  );
}

/** What a watch has said, and in the end its status. */
export function watch(client: HealthClient, service?: string) {
  const stream = client.Watch(service === undefined ? {} : { service });
  const said: string[] = [];
  stream.on('data', ({ status }) => said.push(status));
  stream.on('error', () => {}); // its status says the same
  const ended = new Promise<grpc.StatusObject>((resolve) => stream.on('status', resolve));
  return { said, ended, cancel: () => stream.cancel() };
}
