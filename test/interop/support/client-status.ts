import type { ClientStatus, TypeStatus } from '@inmesh/xds/server';

/** What the config server knows of its clients (`/debug/status`). */
export async function clientsOf(debug: string): Promise<readonly ClientStatus[]> {
  const response = await fetch(`http://${debug}/debug/status`);
  const { clients } = (await response.json()) as { clients: readonly ClientStatus[] };
  return clients;
}

export async function untilSubscribed(debug: string, name: string): Promise<void> {
  await until(debug, (clients) => clients.flatMap(({ types }) => types).some((type) => asksFor(type, name)));
}

/** Settles when what the server knows of its clients is as wanted. */
export async function until(debug: string, isWanted: (clients: readonly ClientStatus[]) => boolean): Promise<void> {
  const boundMs = performance.now() + 20_000;
  for (;;) {
    const clients = await clientsOf(debug);
    if (isWanted(clients)) return;
    if (performance.now() > boundMs) throw new Error(`the server's clients: ${JSON.stringify(clients, undefined, 2)}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

export function asksFor({ subscribed }: TypeStatus, name: string): boolean {
  return subscribed !== 'all' && subscribed.includes(name);
}
