// A gRPC server that takes its listener from an xDS server (gRFC A36). Writes its address when it is told where to listen, and
// SERVING when it serves; go-server speaks the same. Arguments: the folder of an installed @grpc/grpc-js-xds, and the address.
import { createRequire } from 'node:module';
import { join } from 'node:path';

const [folder, address] = process.argv.slice(2);
const load = createRequire(join(folder, 'package.json'));
const { ServerCredentials } = load('@grpc/grpc-js');
const { XdsServer, register } = load('@grpc/grpc-js-xds');

// Without it the router is a filter that is not known.
register();

/** A SimpleResponse with its username. */
const name = Buffer.from('grpc-js-xds');
const response = Buffer.from([0x12, name.length, ...name]);

const method = {
  path: '/grpc.testing.TestService/UnaryCall',
  requestStream: false,
  responseStream: false,
  requestSerialize: (bytes) => bytes,
  requestDeserialize: (bytes) => bytes,
  responseSerialize: (bytes) => bytes,
  responseDeserialize: (bytes) => bytes,
};

const server = new XdsServer();
server.addService({ UnaryCall: method }, { UnaryCall: (_call, respond) => respond(null, response) });
process.stdout.write(`${address}\n`);
server.bindAsync(address, ServerCredentials.createInsecure(), () => process.stdout.write('SERVING\n'));
