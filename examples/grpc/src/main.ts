// `npm start`: a greeter, who may call it, who may not, and who has no certificate. `inmesh dev` gives them theirs.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { credentials } from '@grpc/grpc-js';
import { ask, Greeter, greeterAddress } from './greeter.js';

function start(program: string, serviceAccount: string) {
  const env = { ...process.env, SERVICE_ACCOUNT: serviceAccount, INMESH_APP: serviceAccount };
  return fork(new URL(program, import.meta.url), { env });
}

const server = start('server.js', 'greeter');
const isListening = once(server, 'message').then(() => true);
if (!(await Promise.race([isListening, once(server, 'exit').then(() => false)]))) process.exit(1);

for (const serviceAccount of ['shop', 'stranger']) await once(start('client.js', serviceAccount), 'exit');

const plain = new Greeter(greeterAddress, credentials.createInsecure());
console.log(`without a certificate: ${await ask(plain, 'greet', 'nobody')}`);
plain.close();

server.disconnect();
await once(server, 'exit');
