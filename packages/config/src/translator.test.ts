import { expect, it } from 'vitest';
import type { ClientKind, ClientView } from './client.js';
import { ConfigSet } from './config-set.js';
import { loadConfig } from './load-config.js';
import { Translator } from './translator.js';

const files = [
  {
    path: 'shop.yaml',
    text: `apiVersion: v1
kind: Service
metadata: { name: shop }
spec: { ports: [{ name: http, port: 80 }] }
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: shop }
spec: { host: shop, exportTo: ["."], trafficPolicy: { loadBalancer: { simple: ROUND_ROBIN } } }
`,
  },
];
const kinds: ClientKind[] = ['inmesh', 'envoy', 'grpc'];
const clients = ['default', 'web'].flatMap((namespace) => kinds.map((kind): ClientView => ({ kind, namespace })));

function setup() {
  const loaded: ClientView[] = [];
  const translator = new Translator((client) => {
    loaded.push(client);
    return loadConfig(files, { client });
  });
  return { loaded, translator };
}

it('translates once for clients that differ in their kind alone', () => {
  const { loaded, translator } = setup();
  for (const client of clients) translator.translate(client);
  expect(loaded).toEqual([{ namespace: 'default' }, { namespace: 'web' }]);
});

it('translates once for clients that differ in what nothing asks for', () => {
  const { loaded, translator } = setup();
  translator.translate({ namespace: 'web', labels: { app: 'a' } });
  translator.translate({ namespace: 'web', labels: { app: 'b' }, kind: 'grpc' });
  expect(loaded).toHaveLength(1);
});

it.each(clients)('gives $kind in $namespace what it would be given alone, whoever was there before', (client) => {
  const { translator } = setup();
  for (const other of clients) translator.translate(other);
  expect(translator.translate(client)).toEqual(loadConfig(files, { client }));
});

it('is given what a set has translated for its own client', () => {
  const set = new ConfigSet();
  const { config } = set.update(files);
  expect(set.translator()({ namespace: 'default' }).resources).toBe(config?.resources);
});

it('takes nothing for that of an SDK that was made for a proxy', () => {
  const client: ClientView = { kind: 'envoy', namespace: 'default' };
  const set = new ConfigSet({ client });
  set.update(files);
  const sdk = { namespace: 'default' };
  expect(set.translator()(sdk)).toEqual(loadConfig(files, { client: sdk }));
});
