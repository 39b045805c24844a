// The greeter. Who may call it is not its affair: the mesh lets nobody else in.
import { type handleUnaryCall, Server } from '@grpc/grpc-js';
import { createMesh } from 'inmesh';
import { Greeter, greeterAddress, type Text } from './greeter.js';

const mesh = await createMesh({ logger: { ...console, info() {} } });
await mesh.ready();

const greet: handleUnaryCall<Text, Text> = ({ request: { text } }, answer) =>
  answer(null, { text: `hello ${text}, I know you as ${callerId()}` });
const dismiss: handleUnaryCall<Text, Text> = (_call, answer) => answer(null, { text: 'gone' });

const server = new Server({ interceptors: [mesh.grpc.serverInterceptor()] });
server.addService(Greeter.service, { Greet: greet, Dismiss: dismiss });
mesh.grpc.addHealth(server, ['shop.Greeter']);
await mesh.grpc.bind(server, greeterAddress);
process.send?.('listening');

/** Of the certificate that the mesh has verified. */
function callerId(): string {
  return mesh.caller()?.peer?.spiffeId ?? 'nobody';
}

process.once('disconnect', async () => {
  await mesh.grpc.drainServer(server, { withdrawMs: 0 });
  await mesh.close();
});
