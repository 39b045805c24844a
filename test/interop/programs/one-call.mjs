// Calls http://reviews/ once, and prints what it got, what is said of its identity, and what time it takes it to be.
import { createMesh } from 'inmesh';

const [, , config, identity] = process.argv;
const mesh = await createMesh({ config, identity });
await mesh.ready();
const answer = await mesh.fetch('http://reviews/').then(
  (response) => response.text(),
  (error) => (error.cause ?? error).message,
);
const { problem } = mesh.status().identity;
await mesh.close();
process.stdout.write(JSON.stringify({ answer, problem, now: Date.now() }));
