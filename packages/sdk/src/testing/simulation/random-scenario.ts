import type { Random } from '@inmesh/core';
import { seededRandom } from '@inmesh/core/testing';
import type { Behaviour, SimulatedAnswer, SimulatedRequest } from './behaviour.js';
import type { SimulatedClient, SimulatedRequestInit } from './client.js';
import type { Violation } from './invariants.js';
import { RandomResources } from './random-resources.js';
import { Simulation } from './simulation.js';

/** What became of one random scenario. */
export interface ScenarioReport {
  readonly seed: number;
  readonly calls: number;
  readonly succeeded: number;
  readonly attempts: number;
  readonly violations: readonly Violation[];
}

const steps = 20;
const stepMs = 500;
/** Longer than any timeout of a scenario together with its delays. */
const settleMs = 120_000;

/**
 * Runs a mesh made up from the seed: clusters, policies and servers, then twenty steps in which servers fail, come back and
 * are replaced, weights are shifted and calls are made, and checks the rules of `InvariantChecker` all the way.
 */
export async function runRandomScenario(seed: number): Promise<ScenarioReport> {
  const draws = seededRandom(seed ^ 0x5eed);
  const resources = new RandomResources(draws);
  const simulation = new Simulation({ seed });
  listenEverywhere(simulation, resources);
  simulation.apply(resources.current());
  const clients = [simulation.client(), simulation.client()];
  const tally = { calls: 0, succeeded: 0, attempts: 0 };
  for (let step = 0; step < steps; step += 1) {
    disturb(simulation, resources, draws, clients[0]!);
    const calls = Math.floor(draws() * (draws() < 0.1 ? 60 : 12));
    for (let left = calls; left > 0; left -= 1) call(clients[left % 2]!, draws, tally);
    await simulation.run(Math.floor(draws() * stepMs));
  }
  await simulation.run(settleMs);
  return { seed, ...tally, violations: [...simulation.finish(), ...notSettled(simulation)] };
}

/** Long after the last call no timer is left, and every endpoint is back. */
function notSettled({ clock, snapshots }: Simulation): Violation[] {
  const ejected = [...snapshots.current.clusters.values()].flatMap(({ endpoints }) =>
    endpoints.filter(({ host }) => host.ejected).map(({ endpoint }) => `${endpoint.address} is still ejected`),
  );
  const timers = clock.pendingTimers === 0 ? [] : [`${clock.pendingTimers} timers remain`];
  return [...timers, ...ejected].map((detail) => ({ rule: 'in-flight', at: clock.now(), detail }));
}

/** @throws Error with the seed and what went wrong, when something did */
export async function checkRandomScenario(seed: number): Promise<ScenarioReport> {
  const report = await runRandomScenario(seed);
  if (report.violations.length === 0) return report;
  const lines = report.violations.slice(0, 10).map(({ rule, at, detail }) => `  ${rule} at ${at} ms: ${detail}`);
  throw new Error(
    [`seed ${seed}: ${report.violations.length} violations; replay with INMESH_SEED=${seed}`, ...lines].join('\n'),
  );
}

function call(client: SimulatedClient, draws: Random, tally: { calls: number; succeeded: number; attempts: number }) {
  tally.calls += 1;
  void client.send(randomRequest(draws)).then(({ status, error, attempts }) => {
    tally.attempts += attempts;
    if (error === undefined && status < 500) tally.succeeded += 1;
  });
}

function randomRequest(draws: Random): SimulatedRequestInit {
  return {
    url: draws() < 0.6 ? 'http://reviews/' : 'http://ratings/slow',
    method: draws() < 0.8 ? 'GET' : 'POST',
    headers: { 'x-user': `user-${Math.floor(draws() * 10)}`, ...(draws() < 0.1 && { 'x-envoy-max-retries': '1' }) },
    replayable: draws() < 0.9,
    ...(draws() < 0.3 && { deadlineMs: Math.floor(draws() * 3000) }),
    ...(draws() < 0.2 && { cancelAfterMs: Math.floor(draws() * 1000) }),
  };
}

function listenEverywhere(simulation: Simulation, resources: RandomResources): void {
  for (const address of resources.allAddresses) simulation.network.listen(address, { kind: 'answer', latencyMs: 5 });
}

function disturb(simulation: Simulation, resources: RandomResources, draws: Random, caller: SimulatedClient): void {
  for (const address of resources.allAddresses) {
    if (draws() < 0.15) simulation.network.server(address)!.behaviour = randomBehaviour(draws, caller);
  }
  if (draws() >= 0.4) return;
  resources.change();
  simulation.apply(resources.current());
}

/** @param caller who calls the next tier where a server needs one */
function randomBehaviour(draws: Random, caller: SimulatedClient): Behaviour {
  const kind = Math.floor(draws() * 9);
  const failRate = draws();
  switch (kind) {
    case 0:
      return { kind: 'refuse' };
    case 1:
      return { kind: 'hang' };
    case 2:
      return { kind: 'reset', latencyMs: (random) => random() * 50 };
    case 3:
      return { kind: 'answer', status: 503, latencyMs: 2, ...(failRate < 0.5 && { headers: { 'retry-after': '1' } }) };
    case 4:
      return { kind: 'answer', status: (random) => (random() < failRate ? 500 : 200), latencyMs: 3 };
    case 5:
      return { kind: 'handle', handler: async (request) => askNext(request, caller) };
    default:
      return { kind: 'answer', latencyMs: (random) => random() * 30, bodyMs: (random) => random() * 20 };
  }
}

/** The last tier is where the path says so: a request goes one tier down each time. */
async function askNext(serving: SimulatedRequest, caller: SimulatedClient): Promise<SimulatedAnswer> {
  if (serving.path === '/slow/leaf') return { status: 200 };
  const { status } = await caller.send({ url: `http://ratings/slow${serving.path === '/' ? '' : '/leaf'}`, serving });
  return { status: status === 0 ? 503 : status };
}
