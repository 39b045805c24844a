// Calls the greeter as whatever service account it runs as.
import { createMesh } from 'inmesh';
import { ask, Greeter, greeterHost } from './greeter.js';

const { SERVICE_ACCOUNT: name = 'default' } = process.env;
const mesh = await createMesh();
const client = mesh.grpc.client(Greeter, greeterHost);
console.log(`${name} greets: ${await ask(client, 'greet', name)}`);
console.log(`${name} dismisses: ${await ask(client, 'dismiss', name)}`);
client.close();
await mesh.close();
