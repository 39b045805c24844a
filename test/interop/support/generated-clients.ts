import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import type { Client, ClientDuplexStream, ClientReadableStream, ClientWritableStream } from '@grpc/grpc-js';
import { loadPackageDefinition } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import type { GrpcClientConstructor } from 'inmesh/grpc';
import ts from 'typescript';
import { cache, npmPeer } from './peer-cache.js';

const run = promisify(execFile);
const repository = fileURLToPath(new URL('../../..', import.meta.url));
const protos = fileURLToPath(new URL('../programs/generated', import.meta.url));

export interface Greeting {
  readonly text: string;
}

type Answered = (error: Error | null, answer: Greeting) => void;

/** The service of greeter.proto, whose methods have the names that the generator gives them. */
export interface Greeter extends Client {
  greet(request: Greeting, answered: Answered): unknown;
  collect(answered: Answered): ClientWritableStream<Greeting>;
  repeat(request: Greeting): ClientReadableStream<Greeting>;
  talk(): ClientDuplexStream<Greeting, Greeting>;
}

export interface Generated {
  readonly GreeterClient: GrpcClientConstructor<Greeter>;
  readonly service: Parameters<import('@grpc/grpc-js').Server['addService']>[0];
}

/** What @grpc/proto-loader makes of the file at run time. */
export function byProtoLoader(): Generated {
  const loaded = loadPackageDefinition(loadSync(join(protos, 'greeter.proto'))) as unknown as {
    inmesh: { interop: { Greeter: GrpcClientConstructor<Greeter> & { service: Generated['service'] } } };
  };
  const { Greeter } = loaded.inmesh.interop;
  return { GreeterClient: Greeter, service: Greeter.service };
}

/** What ts-proto writes, with a @grpc/grpc-js of its own, as in a service that has another version than the mesh. */
export async function byTsProto(): Promise<Generated> {
  const plugin = await npmPeer('ts-proto', '2.18.0', ['@grpc/grpc-js@1.14']);
  const modules = dirname(plugin);
  const code = await generate(join(modules, '.bin/protoc-gen-ts_proto'), dirname(modules));
  const { GreeterClient, GreeterService } = (await import(pathToFileURL(code).href)) as {
    GreeterClient: Generated['GreeterClient'];
    GreeterService: Generated['service'];
  };
  return { GreeterClient, service: GreeterService };
}

/** Returns the file; it lies beside the packages that it imports. */
async function generate(plugin: string, folder: string): Promise<string> {
  const text = readFileSync(join(protos, 'greeter.proto'));
  const output = join(folder, `greeter-${createHash('sha256').update(text).digest('hex').slice(0, 12)}.mjs`);
  mkdirSync(cache, { recursive: true });
  const work = mkdtempSync(join(cache, 'ts-proto-work-'));
  try {
    const plugins = [{ local: plugin, out: work, opt: ['outputServices=grpc-js', 'esModuleInterop=true'] }];
    const template = JSON.stringify({ version: 'v2', plugins });
    await run(join(repository, 'node_modules/.bin/buf'), ['generate', protos, '--template', template], { cwd: work });
    const written = readFileSync(join(work, 'greeter.ts'), 'utf8');
    const compilerOptions = { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 };
    writeFileSync(join(work, 'greeter.mjs'), ts.transpileModule(written, { compilerOptions }).outputText);
    renameSync(join(work, 'greeter.mjs'), output);
  } catch (error) {
    throw new Error(`ts-proto could not be run: ${(error as Error).message}`);
  } finally {
    rmSync(work, { recursive: true });
  }
  return output;
}
