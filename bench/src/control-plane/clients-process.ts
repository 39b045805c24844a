import { setTimeout as wait } from 'node:timers/promises';
import { resourcesOf } from './mesh-objects.js';
import { type ClientsOrder, type ClientsWord, nowMs } from './messages.js';
import { type Kind, type Names, XdsStream } from './xds-stream.js';

/** Each calls so many services, the first of them among these. */
const servicesOfClient = 20;

const streams: XdsStream[] = [];

function say(word: ClientsWord): void {
  process.send?.(word);
}

async function connect({ addresses, count, services }: Extract<ClientsOrder, { kind: 'connect' }>): Promise<void> {
  for (let index = 0; index < count; index += 1) {
    streams.push(new XdsStream(addresses[index % addresses.length]!, `client-${index}`, namesOf(index, services)));
    if (index % 50 === 49) await wait(100);
  }
  await Promise.all(streams.map(({ complete }) => complete));
  say({ kind: 'connected' });
}

function namesOf(client: number, services: number): Names {
  const called = Array.from({ length: Math.min(servicesOfClient, services) }, (_, at) =>
    at === 0 ? 0 : (client * (servicesOfClient - 1) + at) % services,
  );
  const of = [...new Set(called)].map(resourcesOf);
  const all = (kind: Kind) => of.flatMap((names) => names[kind]);
  return { cluster: all('cluster'), endpoint: all('endpoint'), listener: all('listener'), route: all('route') };
}

function expect({ name, of }: Extract<ClientsOrder, { kind: 'expect' }>): void {
  const at: number[] = [];
  for (const stream of streams) {
    stream.onTold = (kind, told) => {
      if (kind !== of || told !== name) return;
      stream.onTold = () => {};
      at.push(nowMs());
      if (at.length === streams.length) say({ kind: 'told', at });
    };
  }
  say({ kind: 'expecting' });
}

process.on('message', (order: ClientsOrder) => {
  if (order.kind === 'connect') void connect(order);
  else expect(order);
});
process.once('disconnect', () => process.exit());
