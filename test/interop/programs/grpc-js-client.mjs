// A gRPC caller that a test drives: one JSON request on each line of stdin, one JSON answer on each line of stdout.
// go-client speaks the same. Its only argument is the folder of an installed @grpc/grpc-js-xds.
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const load = createRequire(join(process.argv[2], 'package.json'));
const grpc = load('@grpc/grpc-js');
load('@grpc/grpc-js-xds').register();

const { TestService } = grpc.loadPackageDefinition(
  load('@grpc/proto-loader').fromJSON({
    nested: {
      SimpleRequest: { fields: {} },
      SimpleResponse: { fields: { username: { id: 2, type: 'string' } } },
      'grpc.testing': {
        nested: {
          TestService: {
            methods: { UnaryCall: { requestType: 'SimpleRequest', responseType: 'SimpleResponse' } },
          },
        },
      },
    },
  }),
).grpc.testing;

/** Kept by target, as a program keeps its channels. */
const clients = new Map();

function clientOf(target) {
  const known = clients.get(target);
  if (known !== undefined) return known;
  const client = new TestService(target, grpc.credentials.createInsecure());
  clients.set(target, client);
  return client;
}

function closeAll() {
  for (const client of clients.values()) client.close();
  clients.clear();
}

async function serve({ id, dial, target, calls = 0, parallel = 1, timeoutMs, metadata = {} }) {
  if (dial !== undefined) closeAll();
  for (const each of dial ?? []) clientOf(each).getChannel().getConnectivityState(true);
  const answer = { id, servers: {}, statuses: {}, messages: {}, shortestMs: 0, longestMs: 0 };
  let left = calls;
  const worker = async () => {
    while (left > 0) {
      left -= 1;
      add(answer, await call(clientOf(target), timeoutMs, metadata));
    }
  };
  await Promise.all(Array.from({ length: parallel }, worker));
  return answer;
}

function call(client, timeoutMs, entries) {
  const metadata = new grpc.Metadata();
  for (const [name, value] of Object.entries(entries)) metadata.set(name, value);
  const started = performance.now();
  return new Promise((resolve) => {
    client.UnaryCall({}, metadata, { deadline: Date.now() + timeoutMs }, (error, response) => {
      resolve({ error, response, ms: performance.now() - started });
    });
  });
}

function add(answer, { error, response, ms }) {
  const status = grpc.status[error?.code ?? 0];
  answer.statuses[status] = (answer.statuses[status] ?? 0) + 1;
  if (error === null) answer.servers[response.username] = (answer.servers[response.username] ?? 0) + 1;
  else answer.messages[status] = error.details;
  answer.shortestMs = answer.shortestMs === 0 ? ms : Math.min(answer.shortestMs, ms);
  answer.longestMs = Math.max(answer.longestMs, ms);
}

for await (const line of createInterface({ input: process.stdin })) {
  serve(JSON.parse(line)).then((answer) => process.stdout.write(`${JSON.stringify(answer)}\n`));
}
process.exit();
