import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerReadableStream,
  type ServerWritableStream,
} from '@grpc/grpc-js';
import { createMesh, type Mesh } from 'inmesh';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { byProtoLoader, byTsProto, type Generated, type Greeter, type Greeting } from './support/generated-clients.js';

const target = 'greeter.default.svc.cluster.local:9080';

const folder = mkdtempSync(join(tmpdir(), 'inmesh-generated-'));
const server = new Server();
let mesh: Mesh;

beforeAll(async () => {
  server.addService(byProtoLoader().service, {
    greet: ({ request }: { request: Greeting }, answer: (error: null, greeting: Greeting) => void) =>
      answer(null, request),
    collect: (call: ServerReadableStream<Greeting, Greeting>, answer: (error: null, greeting: Greeting) => void) => {
      const texts: string[] = [];
      call.on('data', ({ text }: Greeting) => texts.push(text));
      call.on('end', () => answer(null, { text: texts.join('+') }));
    },
    repeat: (call: ServerWritableStream<Greeting, Greeting>) => {
      for (let i = 0; i < 3; i += 1) call.write(call.request);
      call.end();
    },
    talk: (call: ServerDuplexStream<Greeting, Greeting>) => {
      call.on('data', (greeting: Greeting) => call.write(greeting));
      call.on('end', () => call.end());
    },
  });
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    ),
  );
  writeFileSync(join(folder, 'greeter.yaml'), yaml(port));
  mesh = await createMesh({ config: folder });
});

afterAll(async () => {
  await mesh?.close();
  server.forceShutdown();
  rmSync(folder, { recursive: true });
});

const generators: readonly (readonly [string, () => Generated | Promise<Generated>])[] = [
  ['@grpc/proto-loader', byProtoLoader],
  ['ts-proto, on a grpc-js of its own', byTsProto],
];

describe.each(generators)('a client of %s', (_name, generate) => {
  let client: Greeter;

  beforeAll(async () => {
    client = mesh.grpc.client((await generate()).GreeterClient, target);
  });

  afterAll(() => client?.close());

  it('makes a unary call', async () => {
    await expect(answerOf((answered) => void client.greet({ text: 'a' }, answered))).resolves.toMatchObject({
      text: 'a',
    });
  });

  it('streams to the server', async () => {
    const answer = answerOf((answered) => {
      const call = client.collect(answered);
      for (const text of ['a', 'b', 'c']) call.write({ text });
      call.end();
    });
    await expect(answer).resolves.toMatchObject({ text: 'a+b+c' });
  });

  it('takes a stream', async () => {
    expect(await textsOf(client.repeat({ text: 'a' }))).toEqual(['a', 'a', 'a']);
  });

  it('talks both ways', async () => {
    const call = client.talk();
    call.write({ text: 'a' });
    call.write({ text: 'b' });
    call.end();
    expect(await textsOf(call)).toEqual(['a', 'b']);
  });

  it('is told of an error in its own terms', async () => {
    const lost = mesh.grpc.client((await generate()).GreeterClient, 'nowhere.default.svc.cluster.local:9080');
    const answer = answerOf((answered) => void lost.greet({ text: 'a' }, answered));
    await expect(answer).rejects.toMatchObject({ code: 14 });
    lost.close();
  });
});

function answerOf(call: (answered: (error: Error | null, answer: Greeting) => void) => void): Promise<Greeting> {
  return new Promise((resolve, reject) => call((error, answer) => (error === null ? resolve(answer) : reject(error))));
}

async function textsOf(stream: AsyncIterable<Greeting>): Promise<string[]> {
  const texts: string[] = [];
  for await (const { text } of stream) texts.push(text);
  return texts;
}

function yaml(port: number): string {
  return `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: greeter, namespace: default }
spec:
  hosts: [greeter.default.svc.cluster.local]
  ports: [{ number: 9080, name: grpc, protocol: GRPC }]
  resolution: STATIC
  endpoints: [{ address: 127.0.0.1, ports: { grpc: ${port} } }]
`;
}
