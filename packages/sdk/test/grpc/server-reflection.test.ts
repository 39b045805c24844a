import { once } from 'node:events';
import * as grpc from '@grpc/grpc-js';
import { ReflectionService } from '@grpc/reflection';
import { describe, expect, it } from 'vitest';
import { loadProto } from './load-proto.js';
import { listen } from './server-support.js';
import { keep, startMesh } from './support.js';

/** What of grpc's reflection.proto is asked here. */
const reflectionProto = `
syntax = "proto3";
package grpc.reflection.v1;
message ServerReflectionRequest { string host = 1; oneof message_request { string file_containing_symbol = 4; string list_services = 7; } }
message ServerReflectionResponse {
  oneof message_response { FileDescriptorResponse file_descriptor_response = 4; ListServiceResponse list_services_response = 6; }
}
message FileDescriptorResponse { repeated bytes file_descriptor_proto = 1; }
message ListServiceResponse { repeated ServiceResponse service = 1; }
message ServiceResponse { string name = 1; }
service ServerReflection { rpc ServerReflectionInfo(stream ServerReflectionRequest) returns (stream ServerReflectionResponse); }
`;

const greeterProto = `
syntax = "proto3";
package shop;
message Hello { string name = 1; }
service Greeter { rpc Greet(Hello) returns (Hello); }
`;

interface ReflectionResponse {
  readonly file_descriptor_response?: { readonly file_descriptor_proto: readonly Buffer[] };
  readonly list_services_response?: { readonly service: readonly { readonly name: string }[] };
}

describe('the reflection service of @grpc/reflection', () => {
  it('answers through the interceptor as ever', async () => {
    const definition = loadProto(greeterProto);
    const server = new grpc.Server({ interceptors: [startMesh([]).grpc.serverInterceptor()] });
    new ReflectionService(definition).addToServer(server);
    const { port } = keep(await listen(server));
    const loaded = grpc.loadPackageDefinition(loadProto(reflectionProto)) as unknown as {
      grpc: { reflection: { v1: { ServerReflection: typeof grpc.Client } } };
    };
    const client = keep(
      new loaded.grpc.reflection.v1.ServerReflection(`127.0.0.1:${port}`, grpc.credentials.createInsecure()),
    ) as grpc.Client & { ServerReflectionInfo(): grpc.ClientDuplexStream<object, ReflectionResponse> };
    const call = client.ServerReflectionInfo();
    const ask = async (request: object) => {
      call.write(request);
      const [response] = (await once(call, 'data')) as [ReflectionResponse];
      return response;
    };
    const listed = await ask({ list_services: '' });
    expect(listed.list_services_response!.service.map(({ name }) => name)).toContain('shop.Greeter');
    const file = await ask({ file_containing_symbol: 'shop.Greeter' });
    expect(Buffer.concat([...file.file_descriptor_response!.file_descriptor_proto]).toString('latin1')).toContain(
      'Greeter',
    );
    call.end();
    const [status] = (await once(call, 'status')) as [grpc.StatusObject];
    expect(status.code).toBe(grpc.status.OK);
  });
});
