// A reviews instance as a process of its own, to be restarted and killed. Tells its port to its parent.
import { createServer } from 'node:http';

const version = process.argv[2];
const server = createServer((_, response) => setTimeout(() => response.end(version), Math.random() * 4));
server.listen(0, '127.0.0.1', () => process.send(server.address().port));
process.once('SIGTERM', () => server.close(() => process.exit(0)));
process.once('disconnect', () => process.exit(0));
