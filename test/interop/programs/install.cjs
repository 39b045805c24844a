// Run by several versions of Node: CommonJS on purpose, so that it shows require() as well.
const { createServer } = require('node:http');
const { mkdtempSync, rmSync, writeFileSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { join } = require('node:path');
const { createMesh } = require('inmesh');

const host = 'reviews.default.svc.cluster.local:9080';

async function main() {
  const seen = {};
  const server = createServer((request, response) => {
    Object.assign(seen, { host: request.headers.host, path: request.url });
    if (request.method === 'POST') request.pipe(response);
    else response.end('from the mesh');
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const folder = mkdtempSync(join(tmpdir(), 'inmesh-install-'));
  writeFileSync(join(folder, 'reviews.yaml'), yaml(server.address().port));
  const mesh = await createMesh({ config: folder });
  await mesh.ready();
  const undo = mesh.install();
  const response = await fetch(`http://${host}/reviews/7`);
  const throughMesh = { status: response.status, ...seen, body: await response.text() };
  const posted = await (await fetch(`http://${host}/echo`, { method: 'POST', body: 'hello' })).text();
  undo();
  const afterUndo = await fetch(`http://${host}/reviews/7`).then(
    () => 'answered',
    () => 'failed',
  );
  const sameModule = (await import('inmesh')).createMesh === createMesh;
  await mesh.close();
  server.close();
  server.closeAllConnections();
  rmSync(folder, { recursive: true });
  const major = Number(process.versions.node.split('.')[0]);
  console.log(JSON.stringify({ major, throughMesh, posted, afterUndo, sameModule }));
}

function yaml(port) {
  return `
apiVersion: v1
kind: Service
metadata: { name: reviews }
spec: { ports: [{ name: http, port: 9080 }] }
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: reviews-1, labels: { kubernetes.io/service-name: reviews } }
addressType: IPv4
ports: [{ name: http, port: ${port} }]
endpoints: [{ addresses: [127.0.0.1] }]
`;
}

main();
