// What server and clients share: the service, as greeter.proto has it.
import { fileURLToPath } from 'node:url';
import { type Client, loadPackageDefinition, type MethodDefinition, type ServiceError } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';

export interface Text {
  readonly text: string;
}

type Method = (request: Text, answered: (error: ServiceError | null, reply?: Text) => void) => void;

export interface GreeterClient extends Client {
  greet: Method;
  dismiss: Method;
}

interface GreeterConstructor {
  new (...args: ConstructorParameters<typeof Client>): GreeterClient;
  readonly service: Record<'Greet' | 'Dismiss', MethodDefinition<Text, Text>>;
}

const proto = fileURLToPath(new URL('../greeter.proto', import.meta.url));
const { shop } = loadPackageDefinition(loadSync(proto)) as unknown as { shop: { Greeter: GreeterConstructor } };

export const Greeter = shop.Greeter;
/** Where the mesh finds it; where that is, is said by config/services.yaml. */
export const greeterHost = 'greeter.shop.local:50051';
export const greeterAddress = `127.0.0.1:${process.env.GREETER_PORT ?? 50051}`;

/** The reply's text, or the error. */
export function ask(client: GreeterClient, method: 'greet' | 'dismiss', text: string): Promise<string> {
  return new Promise((resolve) => {
    client[method]({ text }, (error, reply) => resolve(error === null ? reply!.text : error.message));
  });
}
